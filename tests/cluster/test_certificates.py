"""Certificates that are renewed while data flows."""

import time

import documentation
import keys
import pytest
import settings
from collector_pods import WORK, config
from daemons import Daemon
from test_kubelet_stats import find, kubelet_stats

NAMES = [settings.NODE_ADDRESS, settings.NODE]


def sign_kubelet(authority):
    """Gives the kubelet a certificate of this authority, and has it read that."""
    certificate, key = authority.sign("kubelet", f"/CN={settings.NODE}", NAMES)
    kubelet = Daemon("kubelet")
    kubelet.stop()
    for file, place in ((certificate, "kubelet.crt"), (key, "kubelet.key")):
        (settings.KEYS / place).write_bytes(file.read_bytes())
    kubelet.start_again()


@pytest.fixture
def other(tmp_path):
    """An authority that nobody knows; the kubelet has its former certificate back at the end."""
    yield keys.Authority(tmp_path / "other", "other")
    sign_kubelet(keys.Authority(settings.KEYS, "authority"))


def test_a_kubelet_whose_certificate_another_authority_renewed_is_scraped_on_without_a_restart(grant, collector, other, tmp_path):
    grant(documentation.rules("kubelet_stats"))
    authority = keys.Authority(settings.KEYS, "authority")
    trusted = tmp_path / "authorities.crt"
    trusted.write_bytes(authority.file.read_bytes())
    section = kubelet_stats(ca_file=f"{WORK}/{trusted.name}", reload_interval="1s")
    tidegate = collector("tidegate", config(section, "metrics"))

    def is_told():
        since = time.time_ns()
        tidegate.wait_for(lambda items: any(at > since for at, _, _ in find(items, "k8s.node.memory.usage")), "the node")

    is_told()
    # Both are trusted until the kubelet has the new one.
    trusted.write_bytes(authority.file.read_bytes() + other.file.read_bytes())
    sign_kubelet(other)
    is_told()
    trusted.write_bytes(other.file.read_bytes())
    is_told()


def test_a_kubelet_whose_new_authority_is_not_trusted_yet_is_scraped_once_it_is(grant, collector, other, tmp_path):
    grant(documentation.rules("kubelet_stats"))
    trusted = tmp_path / "authorities.crt"
    trusted.write_bytes(settings.AUTHORITY.read_bytes())
    section = kubelet_stats(ca_file=f"{WORK}/{trusted.name}", reload_interval="1s")
    tidegate = collector("tidegate", config(section, "metrics"))
    tidegate.wait_for(lambda items: find(items, "k8s.node.memory.usage"), "the node")
    sign_kubelet(other)
    tidegate.wait_for_log("certificate")
    trusted.write_bytes(other.file.read_bytes())
    since = time.time_ns()
    tidegate.wait_for(lambda items: any(at > since for at, _, _ in find(items, "k8s.node.memory.usage")), "the node once more")
