"""The usual programs as traffic: what they ask for and what is carried, on a free network and on one that fails."""

import glob
import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest

import interrupts
from loads.iperf import Iperf, transfer
from loads.mix import HEADINGS, pairs_of, run_mix, table
from loads.ping import Ping, echoes
from loads.web import WebRequests, WebServer
from processes import CommandFailed, wait_until
from profiles import PROFILES, mean_s, profile
from topologies import GraphTopo, graph_of
from traces import assert_nothing_new, traces
from traffic import Stream

# Low enough for any machine.
RATE = 400_000
SIZE = 1000
SECONDS = 2.0

INSIDE = [f"h{number}" for number in range(1, 33)]
OUTSIDE = [f"o{number}" for number in range(1, 5)]


class Pairwise(GraphTopo):
    """Two switches, joined by a link that can be cut, two hosts on each."""

    def build(self):
        super().build(graph_of([(1, 2)]), (1, 2, 1, 2))


@pytest.fixture
def network(connect, api):
    """Plain forwarding between h1 and h3 on one side and h2 and h4 on the other."""
    found = connect(Pairwise())
    api.wait_for_network(found)
    wait_until(lambda: found.ping_all() == 0, 30, "every host reaches every other")
    api.wait_for_hosts(found)
    found.static_arp()
    return found


@pytest.fixture
def hosts(network):
    """Two hosts with the link between them."""
    return network.host("h1"), network.host("h2")


def programs():
    """The process ids of what runs as iperf3 or ping."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/comm"):
        with suppress(FileNotFoundError, ProcessLookupError), open(path, encoding="ascii") as file:
            if file.read().strip() in ("iperf3", "ping"):
                found.add(path.split("/")[2])
    return found


def cut(network):
    """No packet crosses any more."""
    network.set_link("s1", "s2", "down")


# -- iperf3


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_iperf_carries_what_it_is_asked_for_on_a_free_network(hosts, kind):
    with Iperf(*hosts, kind, rate=RATE, size=SIZE, sample_s=0.5) as load:
        time.sleep(SECONDS)
    outcome = load.outcome
    assert outcome.error is None
    assert (outcome.kind, outcome.asked_bits_per_s) == (kind, RATE)
    assert outcome.seconds == pytest.approx(SECONDS, rel=0.2)
    assert outcome.sent_bits_per_s == pytest.approx(RATE, rel=0.1)
    assert outcome.carried_bits_per_s == pytest.approx(RATE, rel=0.1)
    assert len(outcome.sent) >= 4 and len(outcome.received) >= 3
    # What arrived after the receiver's last whole interval is in no interval.
    missing = outcome.received_bytes - sum(interval.bytes for interval in outcome.received)
    assert 0 <= missing <= RATE / 8
    assert sum(interval.bytes for interval in outcome.sent) == outcome.sent_bytes
    if kind == "udp":
        assert outcome.sent_datagrams == outcome.sent_bytes / SIZE
        # Some may be on the way when the receiver is told that they were the last: one on a machine that isn't busy.
        assert 0 <= outcome.lost_datagrams <= 5 and outcome.retransmits is None
        assert 0 <= outcome.jitter_us < 100_000
    else:
        assert (outcome.sent_datagrams, outcome.lost_datagrams, outcome.jitter_us) == (None, None, None)
        assert outcome.retransmits >= 0


def test_tcp_without_a_rate_goes_as_fast_as_it_can(hosts):
    with Iperf(*hosts) as load:
        time.sleep(1)
    assert load.outcome.error is None and load.outcome.asked_bits_per_s is None
    assert load.outcome.carried_bits_per_s > 10 * RATE


def test_what_iperf_sends_into_a_cut_link_is_lost_and_reported(network, hosts):
    with Iperf(*hosts, "udp", rate=RATE, size=SIZE, sample_s=0.5) as load:
        time.sleep(1)
        cut(network)
        time.sleep(1)
    outcome = load.outcome
    assert outcome.sent_bits_per_s == pytest.approx(RATE, rel=0.1)
    assert outcome.lost_datagrams == outcome.sent_datagrams - outcome.received_bytes // SIZE
    # Half of them, give or take what the machine does to a second.
    assert 0.2 < outcome.lost_datagrams / outcome.sent_datagrams < 0.8


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_iperf_over_a_link_that_is_cut_already_carries_nothing_and_says_so(network, hosts, kind):
    cut(network)
    with Iperf(*hosts, kind, rate=RATE) as load:
        time.sleep(1)
    outcome = load.outcome
    assert (outcome.sent_bytes, outcome.received_bytes, outcome.carried_bits_per_s) == (0, 0, 0)
    assert outcome.seconds == pytest.approx(1, rel=0.5)
    assert outcome.asked_bits_per_s == RATE


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_an_iperf_server_that_is_killed_leaves_what_the_sender_knows(hosts, kind):
    with Iperf(*hosts, kind, rate=RATE, sample_s=0.1) as load:
        time.sleep(1)
        load.server.kill()
        time.sleep(0.5)
    outcome = load.outcome
    assert "receiver: ended without a report" in outcome.error and "sender: " in outcome.error
    assert (outcome.received_bytes, outcome.carried_bits_per_s) == (None, None)
    assert outcome.lost_datagrams is None
    assert 0 < outcome.sent_bytes <= 1.5 * RATE / 8 * 1.5


def test_a_port_that_somebody_has_is_refused(hosts):
    before = traces()
    with Iperf(*hosts, rate=RATE):
        with pytest.raises(CommandFailed, match="iperf3 on h2 didn't start: .*in use"):
            with Iperf(*hosts, rate=RATE):
                pass
        with WebServer(hosts[1]):
            with pytest.raises(CommandFailed, match="the web server on h2 didn't start: .*in use"):
                with WebServer(hosts[1]):
                    pass
    assert_nothing_new(before)


def test_an_interval_that_iperf_writes_twice_counts_once():
    interval = {"sum": {"start": 0, "seconds": 1, "bytes": 5000, "retransmits": 2}}
    said = {"intervals": [interval, interval], "end": {}, "error": "control socket has closed unexpectedly"}
    found = transfer("tcp", RATE, SIZE, 0, 4.0, said, None)
    assert (found.sent_bytes, found.retransmits, len(found.sent), found.seconds) == (5000, 2, 1, 4.0)
    assert found.sent_bits_per_s == 10_000
    assert found.error == "sender: control socket has closed unexpectedly; receiver: ended without a report"


def test_a_receiver_that_sums_up_and_then_asks_the_closed_connection_received_all():
    said = {"end": {"sum_sent": {"bytes": 5000, "seconds": 1}}, "error": "interrupt - the client has terminated"}
    late = "getsockopt - Bad file descriptor"
    found = transfer("tcp", RATE, SIZE, 0, 1.0, said, {"end": {"sum_received": {"bytes": 5000}}, "error": late})
    assert (found.error, found.received_bytes) == (None, 5000)
    assert transfer("tcp", RATE, SIZE, 0, 1.0, said, {"end": {}, "error": late}).error == f"receiver: {late}"


# -- ping


def test_pings_are_answered_on_a_free_network(hosts):
    began = time.time()
    with Ping(*hosts, rate=20, count=30) as load:
        pass
    outcome = load.outcome
    assert time.time() - began >= 29 / 20
    assert (outcome.asked, outcome.sent, outcome.answered) == (30, 30, 30)
    assert (outcome.lost, outcome.duplicates) == (0, 0)
    assert [reply.sequence for reply in outcome.replies] == list(range(1, 31))
    times = [reply.round_trip_us for reply in outcome.replies]
    # ping rounds the times of the replies to three digits.
    assert outcome.round_trip_min_us == pytest.approx(min(times), rel=0.01)
    assert outcome.round_trip_max_us == pytest.approx(max(times), rel=0.01)
    assert outcome.round_trip_mean_us == pytest.approx(sum(times) / 30, rel=0.02)
    assert all(began <= reply.at <= time.time() for reply in outcome.replies)


def test_pings_into_a_cut_link_are_counted_as_lost(network, hosts):
    with Ping(*hosts, rate=20, count=40) as load:
        time.sleep(1)
        cut(network)
    outcome = load.outcome
    assert (outcome.sent, outcome.lost) == (40, 40 - len(outcome.replies))
    assert 5 < outcome.lost < 35
    with Ping(*hosts, rate=20, count=10) as load:
        pass
    assert (load.outcome.sent, load.outcome.lost, load.outcome.round_trip_mean_us) == (10, 10, None)


def test_a_reply_that_comes_twice_is_a_duplicate():
    text = (
        "[1700000000.000100] 64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.100 ms\n"
        "[1700000000.000200] 64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.200 ms (DUP!)\n"
        "[1700000001.000000] From 10.0.0.1 icmp_seq=2 Destination Host Unreachable\n\n"
        "3 packets transmitted, 1 received, +1 duplicates, +1 errors, 66.6667% packet loss, time 2003ms\n"
        "rtt min/avg/max/mdev = 0.100/0.150/0.200/0.050 ms\n"
    )
    found = echoes(3, text)
    assert (found.sent, found.answered, found.lost, found.duplicates) == (3, 1, 2, 1)
    assert [(reply.sequence, reply.round_trip_us) for reply in found.replies] == [(1, 100)]
    assert found.round_trip_mdev_us == 50


# -- web


def test_web_requests_are_answered_on_a_free_network(hosts):
    with WebServer(hosts[1], sizes=(1000, 100_000, 0)) as server:
        with WebRequests(hosts[0], server, rate=30, connections=3) as load:
            time.sleep(SECONDS)
    outcome = load.outcome
    assert outcome.asked == pytest.approx(30 * SECONDS, rel=0.2)
    assert (outcome.answered, outcome.failed, outcome.errors) == (outcome.asked, 0, {})
    assert [request.bytes for request in outcome.requests[:6]] == [1000, 100_000, 0] * 2
    assert outcome.bytes == sum((1000, 100_000, 0)[index % 3] for index in range(outcome.asked))
    due = [request.due_us for request in outcome.requests]
    assert all(abs(us - index * 1e6 / 30) <= 1 for index, us in enumerate(due))
    times = sorted(request.took_us for request in outcome.requests)
    assert times[0] <= outcome.percentile_us(50) <= outcome.percentile_us(99) <= outcome.max_us == times[-1]
    assert times[0] <= outcome.mean_us <= times[-1]


def test_web_requests_into_a_cut_link_fail_and_are_counted(network, hosts):
    with WebServer(hosts[1]) as server:
        with WebRequests(hosts[0], server, rate=20, connections=4, timeout_s=0.5) as load:
            time.sleep(1)
            cut(network)
            time.sleep(1)
    outcome = load.outcome
    assert outcome.asked == pytest.approx(40, rel=0.3)
    assert 5 < outcome.answered and 5 < outcome.failed == outcome.asked - outcome.answered
    assert outcome.errors == {"timed out": outcome.failed}
    assert outcome.bytes == outcome.answered * 10_000
    failed = [index for index, request in enumerate(outcome.requests) if request.error]
    assert failed == list(range(failed[0], outcome.asked))


def test_a_web_server_that_is_killed_fails_its_requests_and_no_others(hosts):
    with WebServer(hosts[1]) as server:
        with WebRequests(hosts[0], server, rate=20, connections=2) as load:
            time.sleep(1)
            server.process.kill()
            time.sleep(1)
    outcome = load.outcome
    assert 5 < outcome.answered < outcome.asked - 5
    assert any("refused" in error for error in outcome.errors)
    assert outcome.max_us is not None and outcome.bytes == outcome.answered * 10_000


def test_what_waits_for_a_server_that_hangs_takes_as_long_as_it_waits(hosts):
    with WebServer(hosts[1]) as server:
        with WebRequests(hosts[0], server, rate=20, connections=1, timeout_s=5) as load:
            time.sleep(0.5)
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(1)
            server.process.send_signal(signal.SIGCONT)
            time.sleep(0.5)
    times = [request.took_us for request in load.outcome.requests]
    slow = [took_us for took_us in times if took_us > 300_000]
    # Each that became due while it hung waited 50 ms less than the one before, from a second down.
    assert len(slow) >= 10 and max(slow) > 900_000
    assert all(later < earlier for earlier, later in zip(slow, slow[5:]))
    assert load.outcome.failed == 0


def test_a_file_that_the_server_has_not_fails_and_no_other(hosts):
    with WebServer(hosts[1], sizes=(10,)) as server:
        server.sizes = (10, 11)
        with WebRequests(hosts[0], server, rate=20, connections=1) as load:
            time.sleep(1)
    outcome = load.outcome
    assert set(outcome.errors) == {"status 404"}
    assert [request.error for request in outcome.requests[:4]] == [None, "status 404"] * 2


# -- what all have in common


def test_a_failure_ends_what_was_started(hosts):
    before = traces(), programs()
    for load in (Iperf(*hosts, rate=RATE), Ping(*hosts, count=1000), WebServer(hosts[1])):
        with pytest.raises(ZeroDivisionError):
            with load:
                wait_until(lambda: (traces(), programs()) != before, 5, "something to end")
                raise ZeroDivisionError
    with WebServer(hosts[1]) as server, pytest.raises(ZeroDivisionError):
        with WebRequests(hosts[0], server):
            raise ZeroDivisionError
    assert_nothing_new(before[0])
    assert programs() == before[1]


def test_an_interrupt_ends_what_is_waited_for(hosts):
    before = programs()
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(interrupts.Interrupted):
        with Iperf(*hosts, "udp", rate=RATE), Ping(*hosts, rate=10, count=1000):
            pass
    timer.join()
    assert programs() == before


WRONG = [
    (lambda: Iperf(None, None, "sctp"), "kind: 'sctp'"),
    (lambda: Iperf(None, None, "udp"), "rate: UDP needs one"),
    (lambda: Iperf(None, None, rate=10), "rate: 10 bits/s"),
    (lambda: Iperf(None, None, rate=RATE, size=1473), "size: 1473 bytes"),
    (lambda: Iperf(None, None, sample_s=0.01), "sample_s: 0.01 s"),
    (lambda: Iperf(None, None, port=70_000), "port: 70000"),
    (lambda: Ping(None, None, rate=0), "rate: 0 requests/s"),
    (lambda: Ping(None, None, count=0), "count: 0: not"),
    (lambda: Ping(None, None, size=8), "size: 8 bytes"),
    (lambda: WebServer(None, port="80"), "port: '80'"),
    (lambda: WebServer(None, sizes=()), "sizes: none"),
    (lambda: WebServer(None, sizes=(-1,)), "sizes: -1"),
    (lambda: WebRequests(None, None, rate=0), "rate: 0 requests/s"),
    (lambda: WebRequests(None, None, connections=0), "connections: 0"),
    (lambda: WebRequests(None, None, timeout_s=0), "timeout_s: 0 s"),
    (lambda: pairs_of(INSIDE, OUTSIDE, 0), "count: 0"),
    (lambda: pairs_of(INSIDE, OUTSIDE, 8, outside_share=1.5), "outside_share: 1.5"),
    (lambda: pairs_of(INSIDE, OUTSIDE, 8, udp_ratio=-0.1), "udp_ratio: -0.1"),
    (lambda: pairs_of(INSIDE, [], 8, outside_share=0.5), "outside: no host"),
    (lambda: pairs_of(["h1"], OUTSIDE, 8, outside_share=0.5), "inside: fewer than two"),
    (lambda: pairs_of(["h1", "o1"], OUTSIDE, 8), "inside, outside: a host is named twice"),
    (lambda: run_mix(None, (), 0), "duration_s: 0 s"),
    (lambda: profile("fax"), "name: 'fax' is none of voip,"),
    (lambda: profile("voip", sources=0), "sources: 0"),
    (lambda: mean_s("weibull:1,2"), "'weibull:1,2': not constant"),
    (lambda: mean_s("pareto:1"), "'pareto:1': not constant"),
]


@pytest.mark.parametrize("make, message", WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_argument_is_named(make, message):
    with pytest.raises(ValueError, match="^" + message.replace("(", r"\(")):
        make()


# -- mixes


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_mix_has_the_shares_that_it_is_asked_for(seed):
    pairs = pairs_of(INSIDE, OUTSIDE, 40, outside_share=0.25, udp_ratio=0.3, seed=seed)
    assert Counter(pair.kind for pair in pairs) == {"udp": 12, "tcp": 28}
    assert Counter(pair.way for pair in pairs) == {"within": 30, "in": 5, "out": 5}
    for pair in pairs:
        ends = {"within": (INSIDE, INSIDE), "in": (OUTSIDE, INSIDE), "out": (INSIDE, OUTSIDE)}[pair.way]
        assert pair.sender in ends[0] and pair.receiver in ends[1] and pair.sender != pair.receiver
    talks = Counter(name for pair in pairs for name in (pair.sender, pair.receiver))
    assert {talks[name] for name in INSIDE} <= {2, 3} and {talks[name] for name in OUTSIDE} <= {2, 3}
    assert len(set(pairs)) > 30


def test_a_mix_is_its_seeds():
    mixes = [pairs_of(INSIDE, OUTSIDE, 40, seed=seed) for seed in (1, 1, 2)]
    assert mixes[0] == mixes[1] != mixes[2]


def test_nobody_talks_to_itself_among_two():
    pairs = pairs_of(["h1", "h2"], [], 50, outside_share=0)
    assert all({pair.sender, pair.receiver} == {"h1", "h2"} for pair in pairs)


def test_a_mix_runs_at_once_and_says_what_was_asked_and_carried(network):
    before = traces()
    pairs = pairs_of(["h1", "h2"], ["h3", "h4"], 4, outside_share=0.5, udp_ratio=0.5, seed=3)
    began = time.monotonic()
    rows = run_mix(network, pairs, SECONDS, rate=RATE)
    assert time.monotonic() - began < SECONDS * 4
    assert [row.pair for row in rows] == list(pairs)
    for row in rows:
        assert row.transfer.error is None and row.transfer.kind == row.pair.kind
        assert row.transfer.asked_bits_per_s == RATE
        assert row.transfer.carried_bits_per_s == pytest.approx(RATE, rel=0.15)
    starts = [row.transfer.began_ns for row in rows]
    assert max(starts) - min(starts) < SECONDS * 1e9
    lines = table(rows).splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [[p.sender, p.receiver, p.way, p.kind] for p in pairs]
    assert lines[0].split() == " ".join(HEADINGS).split() and "0.400" in lines[1]
    assert_nothing_new(before)


def test_a_mix_among_hosts_that_are_not_there_is_refused(network):
    with pytest.raises(ValueError, match="^pairs: the network has no host 'h5'"):
        run_mix(network, pairs_of(["h1", "h5"], [], 1, outside_share=0), 1)


def test_a_mix_over_a_cut_link_reports_who_was_cut_off(network):
    cut(network)
    pairs = pairs_of(["h1", "h2"], ["h3", "h4"], 4, outside_share=0.5, udp_ratio=0.5, seed=3)
    rows = run_mix(network, pairs, 1, rate=RATE)
    left = {"h1", "h3"}
    for row in rows:
        ends = (row.pair.sender in left) == (row.pair.receiver in left)
        assert (row.transfer.received_bytes > 0) == ends


# -- profiles


def test_profiles_have_the_published_figures():
    voip = PROFILES["voip"]
    assert (voip.rate, voip.size, voip.on, voip.off) == (50, 172, "exponential:1.004", "exponential:1.587")
    assert voip.share_on == pytest.approx(1.004 / 2.591)
    assert PROFILES["voip-g729"].size == 32
    # A codec of 64 kbit/s, with RTP's header, in 50 packets/s.
    assert 8 * voip.size * voip.rate == 64_000 + 8 * 12 * 50
    web = PROFILES["web"]
    # The mean of the lognormal of 9.357 and 1.318 is 27.6 kB, on the way at 1 Mbit/s; a Pareto of 1.5 from 1 s is 3 s.
    assert mean_s(web.on) * 125_000 == pytest.approx(27_600, rel=0.01)
    assert mean_s(web.off) == 3
    video = PROFILES["video"]
    assert video.rate * video.size * mean_s(video.on) == pytest.approx(65_536, rel=0.01)
    assert video.mean_bits_per_s == pytest.approx(1.25e6, rel=0.01)
    assert PROFILES["bulk"].mean_bits_per_s == 1e7
    assert all(found.source for found in PROFILES.values())


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_arguments_for_a_stream(name):
    found = profile(name, sources=10, seed=7)
    assert (found["flows"], found["size"]) == (10, PROFILES[name].size)
    assert found["rate"] == 10 * PROFILES[name].rate
    assert ("seed" in found) == (PROFILES[name].on is not None)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_sent_and_carried(hosts, name):
    found, seconds = PROFILES[name], 3
    sources = 1 if found.on is None else 5
    with Stream(*hosts, 5001, **profile(name, sources, seed=3)) as stream:
        time.sleep(seconds)
    outcome = stream.outcome
    assert (outcome.lost, outcome.duplicates) == (0, 0)
    # A busy machine owes some at the end.
    assert 0 <= outcome.asked - outcome.sent <= found.rate * sources / 10
    always_on = found.rate * sources * seconds
    if found.on is None:
        assert outcome.sent == pytest.approx(always_on, rel=0.2)
    else:
        # Each begins with some time on, and most come to be off.
        assert always_on * 0.02 < outcome.sent < always_on * 0.9


def test_the_mean_of_a_lognormal_is_what_is_drawn():
    generator = random.Random(1)
    drawn = sum(generator.lognormvariate(-2, 0.5) for _ in range(20_000)) / 20_000
    assert mean_s("lognormal:-2,0.5") == pytest.approx(drawn, rel=0.02)
    assert mean_s("pareto:1,1") == float("inf")
