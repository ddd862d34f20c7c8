"""What `cargo xtask demo clusters` shows, on the cluster that is up: it ends well, and says so."""

import pathlib
import subprocess
import sys

DEMO = pathlib.Path(__file__).with_name("demo_clusters.py")


def test_a_scrubber_that_is_pushed_to_one_cluster_changes_its_logs_and_no_others():
    done = subprocess.run([sys.executable, DEMO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    verdict = done.stdout.splitlines()[-1]
    assert done.returncode == 0 and verdict.startswith("verdict: ok; "), done.stdout
    assert "edge-a changed" in verdict and "edge-b never" in verdict
