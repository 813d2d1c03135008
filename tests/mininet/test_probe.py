"""The probe against a relay that loses, duplicates and swaps, and says what it did: what the probe saw must be the
same, packet by packet. No switch is needed: two hosts, joined by the relay."""

import json
import os
import signal
import time
from contextlib import ExitStack, contextmanager
from subprocess import PIPE

import pytest

from outcome import Outcome, Sample
from processes import end, program, run, start, wait_until
from traffic import BothWays, Stream

PORT = 5000
RATE = 2000
SAMPLE_MS = 100
DURATION_S = 1.5
NAMES = ("probe-a", "probe-b")
FAULTS = {
    "nothing": {"lose": 1 << 40},
    "loses": {"lose": 10},
    "duplicates": {"duplicate": 7},
    "swaps": {"swap": 13},
    "all": {"lose": 10, "duplicate": 7, "swap": 13},
}


class Host:
    """A network namespace with one interface, which is moved there."""

    def __init__(self, process, interface, number):
        self.pid, self.name = process.pid, interface
        self._address, self._number = f"10.9.0.{number}", number
        run("ip", "link", "set", interface, "netns", process.pid)
        self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        self.run("ip", "link", "set", interface, "address", self.mac)
        self.run("ip", "address", "add", f"{self._address}/24", "dev", interface)
        self.run("ip", "link", "set", interface, "up")

    @property
    def mac(self):
        """Its interface's."""
        return f"02:00:00:00:09:{self._number:02}"

    def IP(self):  # pylint: disable=invalid-name
        """As Mininet's hosts have it."""
        return self._address

    def run(self, *command):
        """Run a command in it."""
        return run("mnexec", "-a", self.pid, *command)

    def knows(self, other):
        """Resolve the other's address without asking: what waits for an answer may be dropped."""
        self.run("ip", "neighbour", "replace", other.IP(), "lladdr", other.mac, "dev", self.name)


class Wire:
    """Two hosts joined by a relay."""

    def __init__(self, relay, hosts):
        self._relay, self.hosts = relay, hosts

    def ended(self):
        """Ends the relay: what it did, from the first host to the second and back."""
        self._relay.terminate()
        output, errors = self._relay.communicate(timeout=10)
        assert self._relay.returncode == 0, errors
        done = json.loads(output)
        return done["a_to_b"], done["b_to_a"]


@contextmanager
def relayed(delay_ms=1, **every):
    """A wire that does something to every so many-th probe packet."""
    with ExitStack() as stack:
        faults = [word for fault, number in every.items() for word in (f"--{fault}-every", number)]
        taps = [word for end_name, name in zip("ab", NAMES) for word in (f"--{end_name}", name)]
        command = [program("godwit-probe"), "relay", *taps, "--delay-ms", delay_ms, *faults]
        relay = start(command, stdout=PIPE, stderr=PIPE, text=True)
        stack.callback(end, relay)
        assert relay.stderr.readline() == "ready\n", relay.stderr.read()
        processes = [namespace(stack) for _ in NAMES]
        hosts = [Host(process, name, number) for process, name, number in zip(processes, NAMES, (1, 2))]
        for host, other in (hosts, reversed(hosts)):
            host.knows(other)
        yield Wire(relay, hosts)


def namespace(stack):
    """A process in a network namespace of its own."""
    process = start(["unshare", "--net", "sleep", "infinity"])
    stack.callback(end, process)
    own = os.readlink("/proc/self/ns/net")
    wait_until(lambda: os.readlink(f"/proc/{process.pid}/ns/net") != own, 5, "a network namespace")
    return process


def lost_packets(sent, flows, every):
    """Flow, first number and length of the gaps, when every so many-th packet is lost and the flows take turns."""
    gaps = []
    lost = sorted((packet % flows, packet // flows) for packet in range(every - 1, sent, every))
    for flow, sequence in lost:
        if gaps and gaps[-1][0] == flow and sum(gaps[-1][1:]) == sequence:
            gaps[-1][2] += 1
        else:
            gaps.append([flow, sequence, 1])
    return [tuple(gap) for gap in gaps]


def assert_seen(outcome, done, every):
    """What the probe says is what the relay says."""
    assert outcome.receiver_drops == 0
    assert outcome.sent == done["forwarded"] + done["lost"]
    seen = (outcome.received, outcome.lost, outcome.duplicates, outcome.reordered)
    assert seen == (done["forwarded"], done["lost"], done["duplicated"], done["swapped"])
    flows = len(outcome.sent_by_flow)
    assert [gap[:3] for gap in outcome.gaps] == lost_packets(outcome.sent, flows, every.get("lose", 1 << 40))
    assert outcome.gaps_left_out == 0
    assert sum(count for _, count in outcome.histogram) == outcome.received


def assert_samples_add_up(outcome, size=128):
    """No packet is in two samples, or in none."""
    samples = outcome.samples
    total = {name: sum(getattr(sample, name) for sample in samples) for name in ("sent", "received", "lost")}
    assert total == {"sent": outcome.sent, "received": outcome.received, "lost": outcome.lost}
    assert sum(sample.duplicates for sample in samples) == outcome.duplicates
    assert sum(sample.arrived for sample in samples) == outcome.received + outcome.duplicates
    assert sum(sample.bits_sent for sample in samples) == outcome.sent * size * 8
    assert sum(sample.bits_received for sample in samples) == outcome.received * size * 8
    assert sum(sample.bits_arrived for sample in samples) == (outcome.received + outcome.duplicates) * size * 8
    step = SAMPLE_MS * 1_000_000
    first = samples[0].at_ns
    assert [sample.at_ns for sample in samples] == list(range(first, first + len(samples) * step, step))
    assert first % step == 0


def assert_asked(outcome):
    """All that was asked for was sent, but for what a busy machine owes at the end."""
    assert 0 <= outcome.asked - outcome.sent <= RATE // 10


def assert_done(sent, counts, every):
    """The relay did what it was told to. Of a lost packet there is no copy, and none that changes places."""
    if "lose" in every:
        assert counts["lost"] == sent // every["lose"]
    if set(every) == {"duplicate"}:
        assert counts["duplicated"] == sent // every["duplicate"]
    for word, done in (("duplicate", "duplicated"), ("swap", "swapped")):
        least, most = (sent // every[word] // 2, sent // every[word]) if word in every else (0, 0)
        assert least <= counts[done] <= most


@pytest.mark.parametrize("flows", [1, 8, 40])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_probe_sees_what_the_relay_did(fault, flows):
    every = FAULTS[fault]
    with relayed(**every) as wire:
        with BothWays(*wire.hosts, PORT, RATE, flows, sample_ms=SAMPLE_MS) as traffic:
            time.sleep(DURATION_S)
        done = wire.ended()
    print(fault, flows, *done)
    for outcome, counts in zip((traffic.there, traffic.back), done):
        assert_seen(outcome, counts, every)
        assert_samples_add_up(outcome)
        assert outcome.sent > RATE
        assert_asked(outcome)
        assert outcome.delay_min_us >= 1_000
        assert_done(outcome.sent, counts, every)
    both = traffic.outcome
    assert (both.sent, both.received) == (traffic.there.sent + traffic.back.sent, sum(both.received_by_flow))
    assert_samples_add_up(both)


def test_what_was_lost_is_lost_in_the_sample_of_its_gap():
    with relayed(lose=500) as wire:
        with Stream(*wire.hosts, PORT, RATE, sample_ms=SAMPLE_MS) as stream:
            time.sleep(DURATION_S)
    outcome = stream.outcome
    assert outcome.lost >= 3 and len(outcome.gaps) == outcome.lost
    step = SAMPLE_MS * 1_000_000
    with_loss = [sample.at_ns for sample in outcome.samples if sample.lost]
    for (_, _, _, at_ns), start_ns in zip(outcome.gaps, with_loss):
        # The time of a gap is what it would be if the sender had been punctual.
        assert abs(at_ns - at_ns % step - start_ns) <= step
    assert outcome.missing[0].startswith(f"{wire.hosts[0].name} port {PORT} number 499 at ")


def test_what_is_lost_at_the_end_is_a_gap_too():
    with relayed() as wire:
        sender, receiver = wire.hosts
        with Stream(sender, receiver, PORT, RATE, flows=2) as stream:
            time.sleep(0.3)
            receiver.run("ip", "link", "set", receiver.name, "down")
            time.sleep(0.3)
    outcome = stream.outcome
    assert outcome.lost > RATE // 5
    assert [(flow, first + count) for flow, first, count, _ in outcome.gaps] == list(enumerate(outcome.sent_by_flow))
    assert sum(count for _, _, count, _ in outcome.gaps) == outcome.lost


def test_a_run_without_loss_ends_when_all_has_come():
    with relayed() as wire:
        with Stream(*wire.hosts, PORT, RATE) as stream:
            time.sleep(0.5)
            began = time.monotonic()
        took_s = time.monotonic() - began
    assert stream.outcome.lost == 0
    # A receiver that does not know waits for 1.5 s without a packet.
    assert took_s < 1.4


@pytest.mark.parametrize("flows", [1, 10])
def test_an_on_off_source_says_what_was_asked_for_and_what_was_carried(flows):
    periods = {"on": "constant:0.2", "off": "constant:0.3", "seed": 1}
    with relayed(lose=10) as wire:
        began = time.monotonic()
        with BothWays(*wire.hosts, PORT, RATE, flows, sample_ms=SAMPLE_MS, **periods) as traffic:
            time.sleep(2)
        longest_s = time.monotonic() - began
        done = wire.ended()
    for outcome, counts in zip((traffic.there, traffic.back), done):
        assert_asked(outcome)
        assert (outcome.sent, outcome.received) == (counts["forwarded"] + counts["lost"], counts["forwarded"])
        # On for 0.2 s of each 0.5 s: four times at least.
        assert 3.9 < outcome.sent / (0.2 * RATE) <= longest_s // 0.5 + 1
        assert_samples_add_up(outcome)
        # Half a second from the start the second period begins; in between is a sample with nothing in it.
        quiet = [sample.sent == 0 for sample in outcome.samples]
        assert any(quiet) and quiet.count(False) >= 8


def test_sources_with_the_same_seed_ask_for_the_same_and_each_direction_for_its_own():
    def starts(seed):
        with relayed() as wire:
            words = ["--to", wire.hosts[1].IP(), "--port", PORT, "--rate", 100, "--duration", 3, "--seed", seed]
            words += ["--flows", 5, "--on", "exponential:0.1", "--off", "pareto:1.5,0.05"]
            told = json.loads(wire.hosts[0].run(program("godwit-probe"), "send", *words))
        began = told["starts"][0][1]
        # The last tick may have been late for the last period.
        return [(flow, at_ns - began, first) for flow, at_ns, first in told["starts"] if at_ns - began < 2_500_000_000]

    first, again, other = starts(1), starts(1), starts(2)
    assert len(first) > 15 and first == again
    assert first != other


def test_a_gap_of_an_on_off_source_has_the_time_when_it_was_on():
    periods = {"on": "constant:0.1", "off": "constant:0.4", "seed": 3}
    with relayed(lose=150) as wire:
        with Stream(*wire.hosts, PORT, 1000, sample_ms=50, **periods) as stream:
            time.sleep(2.2)
    outcome = stream.outcome
    assert [gap[:3] for gap in outcome.gaps] == [(0, first, 1) for first in range(149, outcome.sent, 150)]
    with_loss = [sample.at_ns for sample in outcome.samples if sample.lost]
    assert len(with_loss) >= 3
    for (_, _, _, at_ns), start_ns in zip(outcome.gaps, with_loss):
        assert abs(at_ns - start_ns) < 150_000_000


@pytest.mark.parametrize(
    "options, why",
    [
        ({"on": "constant:1"}, "--off"),
        ({"on": "weibull:1", "off": "constant:1"}, "--on"),
        ({"on": "constant:1", "off": "constant:-1"}, "S is -1"),
        ({"seed": 3}, "--on"),
        ({"sample_ms": 5}, "10..=10000"),
        ({"size": 10}, "--size 10"),
    ],
)
def test_what_the_probe_refuses_is_told_and_nothing_is_left(options, why):
    with relayed() as wire:
        with pytest.raises(RuntimeError, match=why.replace(".", r"\.")):
            with BothWays(*wire.hosts, PORT, RATE, **options):
                time.sleep(0.3)
        for host in wire.hosts:
            assert host.run("ss", "-Hulnp") == ""


@pytest.fixture
def receiving():
    """Starts a receiver on a port of a namespace of its own."""
    with ExitStack() as stack:
        holder = namespace(stack)

        def begin(*options):
            command = ["mnexec", "-a", holder.pid, program("godwit-probe"), "receive", "--port", PORT, *options]
            process = start(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True)
            stack.callback(end, process)
            assert process.stderr.readline() == "ready\n"
            return process

        yield begin


def test_a_receiver_whose_input_ends_without_a_line_goes_on_until_a_signal(receiving):
    process = receiving("--told")
    process.stdin.close()
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert json.loads(process.stdout.read())["received"] == 0


def test_a_receiver_that_is_told_no_number_says_so(receiving):
    _, errors = receiving("--told").communicate("many\n", timeout=10)
    assert 'standard input: "many" is not the number of packets' in errors


def test_a_relay_that_disturbs_nothing_says_nothing():
    with relayed() as wire:
        relay = wire._relay  # pylint: disable=protected-access
        relay.terminate()
        output, _ = relay.communicate(timeout=10)
    assert (output, relay.returncode) == ("", 0)


def sample(at_ns, sent, received, delay_us, jitter_us):
    """Of packets with a payload of 100 bytes, all of which arrived in the interval in which they were sent."""
    bits = (800 * sent, 800 * received)
    counts = (sent, received, sent - received, 0, *bits, received, bits[1])
    return Sample(at_ns, *counts, delay_us, 2 * delay_us, jitter_us)


def outcome_of(histogram, mean_us, max_us, flows, gaps, samples):
    """Of packets with these delays; one is lost of each gap."""
    received = sum(count for _, count in histogram)
    return Outcome(
        asked=received + 5,
        sent=received + len(gaps),
        received=received,
        duplicates=1,
        reordered=2,
        max_displacement=max_us % 7,
        longest_silence_us=max_us,
        longest_flow_silence_us=2 * max_us,
        delay_min_us=histogram[0][0] if histogram else 0,
        delay_mean_us=mean_us,
        delay_max_us=max_us,
        jitter_us=mean_us / 10,
        histogram=histogram,
        receiver_drops=0,
        received_by_flow=flows,
        sent_by_flow=flows,
        gaps=gaps,
        gaps_left_out=0,
        missing=tuple(f"gap {gap}" for gap in gaps),
        samples=samples,
        samples_left_out=0,
    )


def test_both_directions_are_added_up_with_their_weights():
    there = outcome_of(((10, 1), (20, 8)), 20, 22, (4, 5), ((1, 3, 1, 70),), (sample(0, 9, 8, 10.0, 1.0),))
    back = outcome_of(
        ((20, 1), (40, 2)), 32, 39, (3,), ((0, 1, 1, 90),), (sample(0, 2, 2, 20.0, 6.0), sample(5, 2, 1, 7.0, 3.0))
    )
    both = there + back
    assert (both.asked, both.sent, both.received, both.lost) == (22, 14, 12, 2)
    assert (both.delay_min_us, both.delay_mean_us, both.delay_max_us) == (10, 23, 39)
    assert both.histogram == ((10, 1), (20, 9), (40, 2))
    assert (there.delay_p50_us, both.delay_p50_us, both.delay_p99_us) == (20, 20, 39)
    # Two flows with 2 us, one with 3.2 us.
    assert both.jitter_us == pytest.approx(2.4)
    assert (both.received_by_flow, both.gaps) == ((4, 5, 3), ((1, 3, 1, 70), (2, 1, 1, 90)))
    assert both.samples == (
        Sample(0, 11, 10, 1, 0, 8_800, 8_000, 10, 8_000, 12.0, 40.0, 2.0),
        sample(5, 2, 1, 7.0, 3.0),
    )


def test_a_direction_in_which_nothing_came_has_no_delay_to_add():
    nothing = outcome_of((), 0, 0, (0,), (), ())
    some = outcome_of(((10, 4),), 10, 10, (4,), (), ())
    for both in (nothing + some, some + nothing):
        assert (both.delay_min_us, both.delay_mean_us, both.jitter_us) == (10, 10, 1.0)
    assert (nothing.delay_p50_us, nothing.delay_p99_us) == (0, 0)
