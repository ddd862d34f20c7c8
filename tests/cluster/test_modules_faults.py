"""Pushed modules while the API server, what it stores in, the way to it or leave to ask it are taken away: what was good last runs on."""

import base64
import hashlib
import json
import os
import urllib.parse

import objects
import pytest
from host import MAIL, SSN, Flow
from objects import wait_for
from pushing import BOTH, MODULE, NUMBERS, manifest_of, with_manifest, with_section

FAILURES = "tidegate_pushed_modules_failures"
REJECTED = "tidegate_pushed_module_rejected"
# A ConfigMap may have so many bytes, and not one more.
MEBIBYTE = 1 << 20
UNHEARD = "pushed modules are not heard of at present"


@pytest.fixture
def running(start_host, pushed):
    """A host that runs a module, and hears what becomes of it."""
    host = start_host("host")
    pushed.push(NUMBERS)
    host.lives(1)
    wait_for(lambda: versions(pushed.asked()), "it to watch")
    return host


def masks_both(flow):
    """Waits until what comes has been masked by the later of the two configurations."""
    wait_for(lambda: all(MAIL not in body for body in flow.goes_on(3)), "mail to be masked")


def masks_numbers(flow):
    """What comes is masked by the first of the two configurations."""
    assert all(SSN not in body and MAIL in body for body in flow.goes_on())


def survives_a_restart(flow, host, relay, revision):
    """What runs also runs after a restart with nobody to ask, and goes on when there is somebody."""
    seen = host.seen()
    relay.hold()
    host.restart()
    host.says("a pushed module is there from before", f"revision={revision}", since=seen)
    masks_both(flow)
    relay.release()
    host.follows()


def refuses(host):
    """A host that has never seen a module lets nothing pass."""
    assert host.send(f"early {SSN}") == 503


@pytest.mark.parametrize("how", ["ended", "frozen"])
def test_while_etcd_is_out_the_module_scrubs_on_over_a_restart_and_then_a_push_is_taken(
    api_server, pushed, running, start_host, backend, how,
):
    with Flow(running, backend) as flow:
        flow.goes_on()
        out(api_server, how)
        flow.goes_on()
        seen = running.seen()
        running.restart()
        running.says("a pushed module is there from before", "revision=1", since=seen)
        masks_numbers(flow)
        refuses(start_host("fresh"))
        assert not api_server.is_ready()
        back(api_server, how)
        pushed.push(BOTH)
        running.lives(2)
        masks_both(flow)
    flow.is_whole()


def out(api_server, how):
    api_server.stop("etcd") if how == "ended" else api_server.freeze("etcd")
    api_server.fails()


def back(api_server, how):
    if how == "ended":
        api_server.start("etcd")
    else:
        api_server.thaw("etcd")
        api_server.ready()


def test_a_host_that_comes_back_after_its_version_is_forgotten_relists_and_takes_the_newest(api_server, pushed, running, relay, backend):
    with running.frozen():
        relay.cut()
        pushed.push(BOTH)
        pushed.push(NUMBERS)
        pushed.push(BOTH)
        api_server.compact()
        # Its cache of what has happened begins with what there is now.
        api_server.stop("kube-apiserver")
        api_server.start("kube-apiserver")
        since = api_server.heard()
    running.lives(4)
    # It asked from where it was, was told that this is forgotten, and asked for all.
    watched = [one for one in pushed.asked(since) if one["verb"] == "watch"]
    assert is_forgotten(pushed, versions(watched)[0])
    verbs = [one["verb"] for one in pushed.asked(since) if one["verb"] in ("list", "watch")]
    assert verbs[:3] == ["watch", "list", "watch"], verbs
    assert UNHEARD not in running.said(), "nothing has failed"
    with Flow(running, backend) as flow:
        masks_both(flow)
        survives_a_restart(flow, running, relay, 4)
    flow.is_whole()


def versions(asked):
    """The versions from which was watched."""
    return [parameters(one)["resourceVersion"] for one in asked if one["verb"] == "watch"]


def parameters(one):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(one["requestURI"]).query))


def is_forgotten(pushed, version):
    """Whether a watch from a version is answered by 410 Gone."""
    query = f"?watch=1&timeoutSeconds=5&resourceVersion={version}"
    told = pushed.api_server.request(objects.place("ConfigMap", pushed.name) + query)
    event = json.loads(told.splitlines()[0])
    return event["type"] == "ERROR" and event["object"]["code"] == 410


def test_without_leave_to_ask_it_scrubs_on_and_tells_and_takes_what_came_meanwhile_when_leave_is_given_back(
    pushed, running, relay, backend,
):
    process, failures = running.id, running.metric(FAILURES)
    with Flow(running, backend) as flow:
        flow.goes_on()
        seen = running.seen()
        pushed.forbid()
        # The watch was let in before, and tells of it; whoever asks for it is refused.
        pushed.push(BOTH)
        running.says("a pushed module cannot be fetched", "head=\"pii-scrub\"", "forbidden", since=seen)
        running.counts(FAILURES, failures + 1)
        # The watch itself is refused when it is begun anew.
        relay.cut()
        running.says(UNHEARD, "forbidden", "resources: [configmaps], verbs: [get, list, watch]", since=seen)
        running.counts(FAILURES, failures + 2)
        assert running.metric("tidegate_pushed_modules_followed") == 0
        masks_numbers(flow)
        pushed.allow()
        running.lives(2)
        masks_both(flow)
    flow.is_whole()
    assert running.id == process, "it was not started anew"


def test_a_host_that_starts_without_leave_to_ask_runs_the_last_good_and_takes_a_push_when_leave_is_given_back(
    pushed, running, start_host, backend,
):
    with Flow(running, backend) as flow:
        pushed.forbid()
        pushed.push(BOTH)
        seen = running.seen()
        running.restart()
        running.says("a pushed module is there from before", "revision=1", since=seen)
        running.says(UNHEARD, "forbidden", since=seen)
        masks_numbers(flow)
        refuses(start_host("fresh"))
        pushed.allow()
        running.lives(2)
        masks_both(flow)
    flow.is_whole()


def test_a_pod_that_may_not_be_told_is_told_of_once(api_server, pushed, running):
    pushed.forbid()
    since, seen = api_server.heard(), running.seen()
    running.restart()
    # What it says of an attempt it has said before the next one.
    wait_for(lambda: len(pushed.asked(since, of="pods")) >= 3, "it to try again, and again")
    assert running.said(seen).count("the pod cannot be told how its modules stand") == 1


def test_a_manifest_of_a_mebibyte_is_refused_in_an_event_and_changes_nothing(api_server, pushed, running, backend):
    good = pushed.head()
    manifest = manifest_of(good)
    manifest["revision"] = 2
    text = json.dumps(manifest)
    # It would be a manifest, but for its size.
    large = with_manifest(good, text + " " * (MEBIBYTE - len(text)))
    assert "Too long" in api_server.replace("ConfigMap", pushed.name, with_manifest(good, large["data"]["manifest.json"] + " "))
    assert api_server.replace("ConfigMap", pushed.name, large) == ""
    running.says("a pushed module is refused", "InvalidManifest", f"it has {MEBIBYTE} bytes")
    told = wait_for(lambda: pushed.events("InvalidManifest"), "an event")
    assert len(told) == 1 and f"it has {MEBIBYTE} bytes" in told[0]["message"], told
    assert running.metric(REJECTED, reason="InvalidManifest") == 1
    with Flow(running, backend) as flow:
        masks_numbers(flow)
        running.restart()
        masks_numbers(flow)
        # What was there before is put back, and all is as it was.
        assert api_server.replace("ConfigMap", pushed.name, with_manifest(good, good["data"]["manifest.json"])) == ""
        pushed.push(BOTH)
        running.lives(2)
        masks_both(flow)
    flow.is_whole()


def test_a_component_of_several_mebibytes_is_split_when_it_is_pushed_and_is_taken(pushed, running, backend):
    file = running.folder / f"{MODULE}.wasm"
    component = larger(running, 5 * MEBIBYTE)
    file.write_bytes(component)
    pushed.push(BOTH, file)
    manifest = manifest_of(pushed.head())
    sizes = [part["bytes"] for part in manifest["component"]["parts"]]
    assert len(sizes) > 7 and max(sizes) <= MEBIBYTE, sizes
    is_taken(running, backend, component)


def test_parts_of_the_largest_size_that_the_api_server_takes_are_taken(api_server, pushed, running, backend):
    component = larger(running, 3 * MEBIBYTE)
    pieces = [component[at:at + MEBIBYTE] for at in range(0, len(component), MEBIBYTE)]
    assert len(pieces) > 2
    parts = [{"name": f"by-hand-{at}", "digest": digest(piece), "bytes": len(piece)} for at, piece in enumerate(pieces)]
    for part, piece in zip(parts, pieces):
        content = base64.b64encode(piece).decode()
        api_server.create("ConfigMap", part["name"], pushed.name, binaryData={"component": content}, immutable=True)
    head = pushed.head()
    manifest = manifest_of(head)
    manifest["revision"] = 2
    manifest["component"] = {"digest": digest(component), "bytes": len(component), "coding": "plain", "parts": parts}
    assert api_server.replace("ConfigMap", pushed.name, with_manifest(head, manifest)) == ""
    is_taken(running, backend, component)


def larger(host, more):
    """The component that a host runs, and so many random bytes, which pack to nothing less."""
    return with_section(host.component(), os.urandom(more))


def digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def is_taken(host, backend, component):
    host.lives(2)
    name = digest(component).removeprefix("sha256:")
    assert (host.folder / f"state/components/{name}.wasm").read_bytes() == component
    with Flow(host, backend) as flow:
        flow.goes_on()
        host.restart()
        flow.goes_on()
    flow.is_whole()
    host.lives(2)


def test_of_a_hundred_heads_that_change_at_once_a_host_asks_for_those_of_its_processors_alone(api_server, pushed, running, relay, backend):
    others = [f"other-{number}" for number in range(99)]
    head = pushed.head()
    for name in others:
        api_server.create("ConfigMap", name, pushed.name, labels={"tidegate.dev/module": name}, **labelled(name, head, revision=1))
    # It has heard of the last of them.
    pushed.push(BOTH)
    running.lives(2)
    since, passed = api_server.heard(), relay.to_client
    # All of it comes in one moment, however long it takes to be written.
    relay.hold()
    pushed.push(NUMBERS)
    written = rewritten(pushed, others, head)
    relay.release()
    running.lives(3)
    # What is written last is heard of last.
    pushed.push(BOTH)
    running.lives(4)
    asked = [one for one in pushed.asked(since) if one["verb"] == "get"]
    assert {one["objectRef"]["name"] for one in asked} == {MODULE} and len(asked) <= 2, asked
    assert [one["verb"] for one in pushed.asked(since) if one["verb"] == "list"] == []
    # The watch tells names and versions, and manifests are larger than that.
    passed = relay.to_client - passed
    assert passed < written / 10, f"{passed} bytes for manifests of {written} bytes"
    with Flow(running, backend) as flow:
        masks_both(flow)
        survives_a_restart(flow, running, relay, 4)
    flow.is_whole()


def labelled(name, head, revision):
    """What a head of another module has in it, with a configuration that fills it."""
    manifest = {**manifest_of(head), "name": name, "revision": revision}
    return {"data": {"manifest.json": json.dumps(manifest, indent=2).ljust(16 << 10)}}


def rewritten(pushed, names, head):
    """Changes heads; how many bytes their manifests have."""
    documents = {name: labelled(name, head, revision=2) for name in names}
    for name, document in documents.items():
        pushed.api_server.request(objects.place("ConfigMap", pushed.name, name), "PATCH", document, "application/merge-patch+json")
    return sum(len(document["data"]["manifest.json"]) for document in documents.values())


def test_a_watch_whose_connection_is_closed_goes_on_from_where_it_was_and_misses_nothing(api_server, pushed, running, relay, backend):
    with Flow(running, backend) as flow:
        since = api_server.heard()
        for revision, rules in enumerate((BOTH, NUMBERS, BOTH), 2):
            # What is pushed while nobody watches is not missed.
            relay.cut()
            pushed.push(rules)
            running.lives(revision)
        asked = [one for one in pushed.asked(since) if one["verb"] in ("list", "watch")]
        assert {one["verb"] for one in asked} == {"watch"}, asked
        begun = [int(version) for version in versions(asked)]
        assert len(begun) >= 3 and begun == sorted(begun), begun
        assert UNHEARD not in running.said()
        masks_both(flow)
        survives_a_restart(flow, running, relay, 4)
    flow.is_whole()


def test_a_watch_whose_connection_is_reset_misses_nothing(pushed, running, relay, backend):
    with Flow(running, backend) as flow:
        relay.cut(is_rude=True)
        pushed.push(BOTH)
        running.lives(2)
        masks_both(flow)
        survives_a_restart(flow, running, relay, 2)
    flow.is_whole()


def test_a_watch_whose_connection_is_reset_goes_on_from_where_it_was(api_server, pushed, running, relay):
    since = api_server.heard()
    relay.cut(is_rude=True)
    pushed.push(BOTH)
    running.lives(2)
    assert {one["verb"] for one in pushed.asked(since)} == {"watch", "get"}


def test_a_connection_that_is_closed_is_told_in_nobody_elses_words(pushed, running, relay):
    relay.cut()
    pushed.push(BOTH)
    running.lives(2)
    assert "kube_client" not in running.said()
