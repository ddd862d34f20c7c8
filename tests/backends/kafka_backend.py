"""A real Kafka for the tests: one broker that is its own controller, on loopback, and Kafka's own clients."""

import base64
import contextlib
import json
import pathlib
import socket
import subprocess
import time

from ports import free_port

HERE = pathlib.Path(__file__).parent / "kafka"
PATIENCE = 90
PASSWORD = "let-me-in"


def wait_for(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited {patience} s for {what}"
        time.sleep(0.05)
    return answer


def is_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def install(jars):
    """Fetches the jars into a folder, where they are not there yet."""
    if not any(pathlib.Path(jars).glob("kafka_2.13-*.jar")):
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
        subprocess.run(command, cwd=HERE, check=True, timeout=600)
    return pathlib.Path(jars)


class Kafka:
    """The broker, and what speaks to it. The listeners: in the clear, SASL in the clear, SASL over TLS, and mutual TLS."""

    LISTENERS = ("PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL", "SSL", "CONTROLLER")

    def __init__(self, jars, folder):
        self.jars, self.folder = jars, pathlib.Path(folder)
        self.ports = {name: free_port() for name in self.LISTENERS}
        self.address = f"127.0.0.1:{self.ports['PLAINTEXT']}"
        self.process = None
        self.ca = self.folder / "ca.pem"
        self._certificates()
        self._format()

    def at(self, listener):
        # Certificates have this name, too.
        return f"localhost:{self.ports[listener]}"

    def start(self):
        log = (self.folder / "broker.log").open("ab")
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        command = ["java", *options, "-cp", f"{self.jars}/*", "kafka.Kafka", str(self.folder / "server.properties")]
        self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)

        def listens():
            assert self.process.poll() is None, (self.folder / "broker.log").read_text()[-4000:]
            return is_open(self.ports["PLAINTEXT"]) and is_open(self.ports["SSL"])

        wait_for(listens, "the broker to listen")

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def tool(self, *arguments):
        command = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self.jars}/*", str(HERE / "Tool.java")]
        run = subprocess.run([*command, self.address, *arguments], capture_output=True, timeout=PATIENCE * 2)
        assert run.returncode == 0, run.stderr.decode()[-4000:]
        return run.stdout.decode()

    def create(self, *topics, partitions=4, settings=""):
        self.tool("create", str(partitions), settings, *topics)

    def records(self, topic):
        """What Kafka's own consumer reads."""
        records = [json.loads(line) for line in self.tool("dump", topic).splitlines()]
        for record in records:
            record["value"] = base64.b64decode(record["value"])
            record["key"] = record["key"] and base64.b64decode(record["key"])
            pairs = [[base64.b64decode(part).decode() for part in pair] for pair in record["headers"]]
            record["headers"] = {key: value for key, value in pairs}
        return records

    def produce(self, topic, *values, partition=0, headers=None):
        values = [base64.b64encode(value).decode() for value in values]
        headers = [f"header:{key}={value}" for key, value in (headers or {}).items()]
        self.tool("produce", topic, str(partition), *headers, *values)

    def committed(self, group):
        lines = [line.split() for line in self.tool("committed", group).splitlines()]
        return {(topic, int(partition)): int(offset) for topic, partition, offset in lines}

    def _certificates(self):
        def openssl(*arguments, **more):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder, **more)

        ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=tests", "-days", "2")
        for name in ("broker", "client"):
            openssl("req", *ec, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
            names = self.folder / f"{name}.ext"
            names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
            issue = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
            openssl(*issue, "-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext")
        both = (self.folder / "broker.key").read_text() + (self.folder / "broker.pem").read_text()
        (self.folder / "broker.both.pem").write_text(both)

    def _format(self):
        urls = {name: f"{name}://localhost:{port}" for name, port in self.ports.items()}
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule"
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@localhost:{self.ports['CONTROLLER']}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listeners": ",".join(urls.values()),
            "advertised.listeners": ",".join(url for name, url in urls.items() if name != "CONTROLLER"),
            "listener.security.protocol.map": ",".join(
                f"{name}:{'PLAINTEXT' if name == 'CONTROLLER' else name}" for name in self.LISTENERS
            ),
            "log.dirs": str(self.folder / "data"),
            "num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.folder / "broker.both.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca),
            "listener.name.ssl.ssl.client.auth": "required",
        }
        for listener in ("sasl_plaintext", "sasl_ssl"):
            settings[f"listener.name.{listener}.plain.sasl.jaas.config"] = f'{plain} required user_alice="{PASSWORD}";'
            for mechanism in ("scram-sha-256", "scram-sha-512"):
                settings[f"listener.name.{listener}.{mechanism}.sasl.jaas.config"] = f"{scram} required;"
        properties = self.folder / "server.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        storage = ["java", "-cp", f"{self.jars}/*", "kafka.tools.StorageTool"]
        secrets = []
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            secrets += ["--add-scram", f"{mechanism}=[name=alice,password={PASSWORD}]"]
        cluster = "MkU3OEVBNTcwNTJENDM2Qg"
        formatting = [*storage, "format", "-t", cluster, "-c", str(properties), *secrets]
        done = subprocess.run(formatting, capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()


@contextlib.contextmanager
def running(jars, folder):
    kafka = Kafka(jars, folder)
    try:
        kafka.start()
        yield kafka
    finally:
        kafka.kill()
