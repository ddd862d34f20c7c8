"""The logs of real pods, as `file_log` with the operator `container` reads what containerd writes and kubelet rotates."""

import collections
import json

import collector_pods
import settings
from pods import Pod, busybox
from objects import wait_for

# Logs, ends, and logs once more after its restart.
TWICE = """
if [ -e /state/before ]; then echo second; else echo first; fi
for i in 1 2 3; do echo "line $i"; echo "error $i" >&2; done
if [ -e /state/before ]; then exec busybox sleep 1000; fi
>/state/before
exit 3
"""
# 3 MiB, at a pace at which kubelet has the time to rotate them.
FLOOD = """
i=0
while [ $i -lt 30000 ]; do
  echo "line $i of a container that has a lot to say, so that the kubelet rotates what it says ......"
  i=$((i+1))
  if [ $((i % 1000)) = 0 ]; then busybox usleep 300000; fi
done
exec busybox sleep 1000
"""
LINES = 30000


def file_log(namespace, pattern="*"):
    return {"file_log": {
        "include": [f"/var/log/pods/{namespace}_{pattern}/*/*.log"],
        "start_at": "beginning",
        "include_file_path": True,
        "operators": [{"type": "container"}],
    }}


def records(collector):
    """Log records in a form that compares: when they were read is nobody's concern."""
    rows = []
    for row in collector.items():
        item = {key: value for key, value in row["item"].items() if key != "observedTimeUnixNano"}
        rows.append({"resource": row["resource"], "item": item})
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def bodies(items):
    return [row["item"]["body"]["stringValue"] for row in items]


def attribute(row, key):
    return next((a["value"]["stringValue"] for a in row["resource"]["attributes"] if a["key"] == key), None)


def test_records_of_a_container_that_starts_anew_equal_otelcols(namespace, both):
    pod = Pod.create(namespace, "talker", [
        busybox(TWICE, volumeMounts=[{"name": "state", "mountPath": "/state"}]),
    ], volumes=[{"name": "state", "emptyDir": {}}])
    tidegate, otelcol = both(collector_pods.config(file_log(namespace, "talker_*"), "logs"))
    pod.restarted()
    for collector in (tidegate, otelcol):
        collector.wait_for(lambda items: len(items) >= 14, "both starts of the container")
    assert records(tidegate) == records(otelcol)
    starts = collections.Counter(attribute(row, "k8s.container.restart_count") for row in records(tidegate))
    assert starts == {"0": 7, "1": 7}


def test_each_line_comes_exactly_once_while_kubelet_rotates(namespace, both):
    tidegate, otelcol = both(collector_pods.config(file_log(namespace, "flood_*"), "logs"))
    pod = Pod.create(namespace, "flood", [busybox(FLOOD)]).run()
    folder = settings.POD_LOGS / f"{namespace}_flood_{pod.uid}" / "main"
    for collector in (tidegate, otelcol):
        collector.wait_for_text(f"line {LINES - 1} of")
    wait_for(lambda: len(list(folder.glob("0.log.*"))) >= 2, "kubelet to have rotated the log twice")
    numbers = collections.Counter(int(body.split()[1]) for body in bodies(tidegate.items()))
    assert numbers == dict.fromkeys(range(LINES), 1)
    assert records(tidegate) == records(otelcol)
