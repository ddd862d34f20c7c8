"""Certificates, by openssl: an authority, and what it signs."""

import subprocess

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.file = folder / f"{name}.crt"
        folder.mkdir(parents=True, exist_ok=True)
        if not self.file.exists():
            key = folder / f"{name}.key"
            openssl("req", "-x509", *CURVE, "-days", "30", "-subj", f"/CN={name}", "-keyout", key, "-out", self.file)

    def sign(self, name, subject, hosts=()):
        """A certificate and its key, for a client of this subject, or for who is called so: a host, an address or a URI."""
        certificate, key, request, extensions = (self.folder / f"{name}.{end}" for end in ("crt", "key", "csr", "ext"))
        openssl("req", *CURVE, "-subj", subject, "-keyout", key, "-out", request)
        names = ",".join(f"{kind(host)}:{host}" for host in hosts)
        lines = ["authorityKeyIdentifier=keyid", "extendedKeyUsage=serverAuth,clientAuth"]
        extensions.write_text("\n".join(lines + ([f"subjectAltName={names}"] if names else [])))
        by = ["-CA", self.file, "-CAkey", self.folder / f"{self.name}.key", "-CAcreateserial", "-extfile", extensions]
        openssl("x509", "-req", "-in", request, *by, "-days", "30", "-out", certificate)
        return certificate, key


def kind(name):
    """What openssl calls a name of this form."""
    return "URI" if "://" in name else "IP" if name[0].isdigit() else "DNS"


def pair(folder, name):
    """A key, and its public half, for tokens of service accounts."""
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private)
    openssl("ec", "-in", private, "-pubout", "-out", public)
    return private, public
