"""What is pushed to agents and gateways of deploy/: it outlives their pods, and what waits for it is kept."""

import subprocess

import deployment
import edges
import hub
import keys
import kustomize
import pytest
from arrivals import Arrivals, look
from backends import Backends
from objects import wait_for

# How many orders are looked at.
ORDERS = 10
SECRETS = frozenset({"mail", "SSN"})


@pytest.fixture(scope="module")
def sending(images, tmp_path_factory):
    """A gateway, and agents that refuse what no scrubber has seen: on a cluster where nothing was pushed yet, and somebody logs orders."""
    folder = tmp_path_factory.mktemp("pushed")
    with Backends() as backends:
        sending = Sending(folder, backends)
        try:
            sending.start()
            yield sending
        finally:
            deployment.take_away([*sending.hub.documents, *sending.edge.objects])


class Sending:
    def __init__(self, folder, backends):
        self.folder, self.hub, self.edge = folder, hub.Hub(folder, backends), edges.Node("edge-a", folder)
        self._arrivals = Arrivals(backends)

    def start(self):
        authority = keys.Authority(self.folder / "keys", "telemetry")
        self.hub.start(authority, [self.edge.name])
        self.edge.apply(self.hub.documents_of(self.edge), authority)
        self.edge.talk()

    def arrived(self):
        """The looks of what has arrived, by number."""
        return {number: look(text) for number, text in self._arrivals.read().of(self.edge.name).items()}

    def push(self, detectors, namespace):
        """Pushes a scrubber that masks what these find, and waits until it is live."""
        rules = self.folder / "rules.yaml"
        rules.write_text(f"detectors: {detectors}\nfields: [log.body]\n")
        command, environment = self.edge.module("push", "pii-scrub", "--config", rules, "--wait", namespace=namespace)
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.trouble()}"

    def holds(self, wanted, since):
        """Waits for orders that are said from now on: all that were said from `since` on look as they should."""
        last = self.edge.said() + ORDERS
        wait_for(lambda: set(range(since, last)) <= set(self.arrived()), "each order to arrive", trouble=self.trouble)
        assert {number: seen for number, seen in self.arrived().items() if number >= since and seen != wanted} == {}

    def trouble(self):
        return deployment.told("agent") + deployment.told("gateway")


def test_agents_that_wait_for_their_module_are_not_ready_and_all_that_was_said_meanwhile_comes_scrubbed(sending):
    wait_for(lambda: sending.edge.said() >= ORDERS, "orders to be said", trouble=sending.trouble)
    agent = wait_for(lambda: deployment.pods("agent"), "an agent")[0]
    wait_for(lambda: agent.status().get("started"), "the agent to have started", trouble=sending.trouble)
    assert not agent.status()["ready"] and sending.arrived() == {}
    sending.push("[us_ssn]", edges.NAMESPACE)
    sending.holds(SECRETS - {"SSN"}, 0)
    deployment.rolled_out("agent")
    assert agent.status()["restartCount"] == 0


def test_what_was_pushed_to_agents_runs_from_the_first_order_on_in_those_that_take_their_place(sending):
    before = {pod.uid for pod in deployment.pods("agent")}
    kustomize.kubectl("rollout", "restart", "-n", edges.NAMESPACE, "daemonset/tidegate-agent")
    deployment.rolled_out("agent")
    assert before.isdisjoint(pod.uid for pod in deployment.pods("agent"))
    sending.holds(SECRETS - {"SSN"}, 0)


def test_what_is_pushed_to_gateways_sees_what_agents_send(sending):
    sending.push("[email]", hub.NAMESPACE)
    sending.holds(frozenset(), sending.edge.said())
