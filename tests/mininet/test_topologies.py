"""The networks that experiments are made on: what graphs are like, and what files say."""

import math
import os
from collections import Counter

import pytest

from data_centre import DataCentre, DataCentreNetwork, make_known
from graphs import barabasi_albert, distances, edges, migration_case, positions, random_graph, waxman
from maps import DATA, read_map
from test_links import rows
from test_mn import mn
from topologies import BarabasiAlbert, FatTree, NetworkMap, RandomNetwork, Ring, Waxman
from traces import assert_nothing_new, traces

MODELS = (random_graph, waxman, barabasi_albert)
SIZES = ((2, 1), (25, 3), (50, 3), (100, 3), (100, 2.5), (40, 6), (10, 9))


def degrees(graph):
    return sorted(len(neighbours) for neighbours in graph.values())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("switches, mean_degree", SIZES)
def test_a_random_graph_is_connected_and_has_its_mean_degree(model, switches, mean_degree):
    for seed in range(5):
        graph = model(switches, mean_degree, seed)
        assert set(distances(graph, 1)) == set(graph) == set(range(1, switches + 1))
        assert sum(degrees(graph)) == pytest.approx(switches * mean_degree, abs=1)
        assert all(number not in graph[number] for number in graph)
        assert all(number in graph[other] for number in graph for other in graph[number])


@pytest.mark.parametrize("model", MODELS)
def test_a_seed_is_a_graph(model):
    first = model(50, 3, 1)
    assert model(50, 3, 1) == first
    others = [edges(model(50, 3, seed)) for seed in range(2, 12)]
    assert all(other != edges(first) for other in others)
    assert len({tuple(other) for other in others}) == 10


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("switches, mean_degree", [(25, 1), (10, 10), (1, 0), (0, 3)])
def test_what_can_not_be_connected_is_refused(model, switches, mean_degree):
    with pytest.raises(ValueError, match=f"{switches} switches can't be connected with a mean degree of {mean_degree}"):
        model(switches, mean_degree, 1)


@pytest.mark.parametrize("seed", range(5))
def test_waxman_prefers_the_near(seed):
    places = positions(100, seed)
    assert all(0 <= x < 1 and 0 <= y < 1 for x, y in places.values())
    everywhere = mean_length(places, [(a, b) for a in places for b in places if a < b])
    usual = mean_length(places, edges(waxman(100, 3, seed)))
    short = mean_length(places, edges(waxman(100, 3, seed, beta=0.05)))
    indifferent = mean_length(places, edges(waxman(100, 3, seed, beta=100)))
    assert short < 0.6 * everywhere
    assert short < usual < 0.8 * everywhere
    assert 0.85 * everywhere < indifferent < 1.15 * everywhere


def mean_length(places, links):
    return sum(math.dist(places[a], places[b]) for a, b in links) / len(links)


def test_barabasi_and_albert_have_hubs():
    largest = {model: [degrees(model(100, 3, seed))[-1] for seed in range(20)] for model in MODELS}
    means = {model: sum(values) / 20 for model, values in largest.items()}
    assert means[barabasi_albert] > 1.5 * means[waxman]
    assert means[barabasi_albert] > 1.5 * means[random_graph]


@pytest.mark.parametrize("topology", [RandomNetwork, Waxman, BarabasiAlbert])
def test_random_networks_have_two_hosts_or_all(topology):
    two, everyone = topology("25", "3", "7"), topology(25, 3, 7, hosts="all")
    assert (len(two.switches()), len(two.hosts()), len(two.links())) == (25, 2, 38 + 2)
    assert (len(everyone.switches()), len(everyone.hosts()), len(everyone.links())) == (25, 25, 38 + 25)
    with pytest.raises(ValueError, match="hosts is all or two, not some"):
        topology(25, 3, 7, hosts="some")
    with pytest.raises(ValueError, match="mean_degree has to be a number, not three"):
        topology(25, "three")


def test_the_two_hosts_are_where_a_switch_can_be_migrated():
    topo = Waxman(25, 3, 7)
    case = migration_case(waxman(25, 3, 7))
    assert [topo.linkInfo(f"h{index}", f"s{at}")["node1"] for index, at in enumerate(case.hosts, 1)] == ["h1", "h2"]


@pytest.mark.parametrize("k, switches, hosts", [(2, 5, 2), (4, 20, 16), (6, 45, 54)])
def test_a_fat_tree_has_its_switches(k, switches, hosts):
    topo = FatTree(k)
    assert (len(topo.switches()), len(topo.hosts())) == (switches, hosts)
    ports = [len(topo.ports[name]) for name in topo.switches()]
    # Al-Fares et al.: 5k²/4 switches of k ports, all in use, k³/4 hosts.
    assert ports == [k] * switches


@pytest.mark.parametrize("k", [0, 3, "four"])
def test_a_fat_tree_of_an_odd_kind_is_refused(k):
    with pytest.raises(ValueError, match="even number|has to be"):
        FatTree(k)


def documented():
    """What the table in `data` says of each map: nodes and links."""
    with open(os.path.join(DATA, "README.md"), encoding="utf-8") as file:
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in file if ".graphml` |" in line]
    return {row[0].strip("`").removesuffix(".graphml"): (int(row[1]), int(row[2].split()[0])) for row in rows}


def test_maps_are_as_documented():
    told = documented()
    assert sorted(f"{name}.graphml" for name in told) == sorted(f for f in os.listdir(DATA) if f.endswith(".graphml"))
    for name, size in told.items():
        cities, links = read_map(name)
        assert (len(cities), len(links)) == size, name


GML = """# As the Zoo writes it, shortened.
Creator "by hand"
graph [
  directed 0
  Network "Three &amp; a half"
  node [ id 0 label "Here [or there]" Latitude -3.5E1 ]
  node [ id 7 graphics [ x 1 y 2 ] label "Caf&#233;" ]
  node [ id 3 ]
  edge [ source 0 target 7 LinkLabel "10 ] Gbps" ]
  edge [ source 7
         target 0 ]
  edge [ source 7 target 3 ]
  edge [ source 3 target 3 ]
]
"""

GRAPHML = """<?xml version="1.0"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key attr.name="label" for="graph" id="g"/><key attr.name="label" for="node" id="n"/>
<graph edgedefault="undirected"><data key="g">Three &amp; a half</data>
<node id="0"><data key="n">Here [or there]</data></node><node id="7"><data key="n">Café</data></node><node id="3"/>
<edge source="0" target="7"/><edge source="7" target="0"/><edge source="7" target="3"/><edge source="3" target="3"/>
</graph></graphml>
"""


@pytest.fixture
def written(tmp_path):
    """Writes a file and has its path."""

    def write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_gml_says_the_same_as_graphml(written):
    expected = {1: "Here [or there]", 2: "Café", 3: "3"}, [(1, 2), (2, 1), (2, 3)]
    assert read_map(written("a.gml", GML)) == expected
    assert read_map(written("a.graphml", GRAPHML)) == expected


def test_a_map_keeps_parallel_links_and_has_two_hosts_if_asked(written):
    path = written("a.gml", GML)
    everyone = NetworkMap(path)
    assert (len(everyone.switches()), len(everyone.hosts()), len(everyone.links())) == (3, 3, 3 + 3)
    assert everyone.port("s1", "s2") == [(2, 2), (3, 3)]
    assert len(NetworkMap("Geant2012", hosts="two").hosts()) == 2


BAD_MAPS = {
    "text": (GML + 'Version "1', "line 15: a quotation mark without another one"),
    "open": (GML.rstrip().removesuffix("]"), "line 14: the end of the file where a key or ] has to be"),
    "value": (GML.replace("directed 0", "directed ]"), "line 4: ] where the value of directed has to be"),
    "key": (GML.replace("directed 0", "[ 0 ]"), r"line 4: \[ where a key or \] has to be"),
    "empty": ("", "there is no `graph"),
    "nodes": ("graph [ ]", "there are no nodes"),
    "node": (GML.replace("id 7", "number 7"), "a node without an id"),
    "twice": (GML.replace("id 7", "id 0"), "two nodes have the id 0"),
    "nowhere": (GML.replace("id 7", "id 8"), "an edge ends at node 7, which isn't there"),
    "edge": (GML.replace("target 3 ]\n]", "]\n]"), "an edge without a source or without a target"),
    "word": (GML.replace("node [ id 3 ]", "node 3"), r"`node` is followed by 3 instead of \["),
}


@pytest.mark.parametrize("text, message", BAD_MAPS.values(), ids=BAD_MAPS)
def test_bad_gml_is_refused(written, text, message):
    path = written("bad.gml", text)
    with pytest.raises(ValueError, match=message) as refused:
        read_map(path)
    assert str(refused.value).startswith(path)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("</graph>", "</graf>", "not XML: .*line 7"),
        ("graphml", "graph", "not GraphML"),
        ('id="7"', 'id="0"', "two nodes have the id 0"),
        ('source="3"', "", "an edge without a source"),
    ],
)
def test_bad_graphml_is_refused(written, old, new, message):
    path = written("bad.graphml", GRAPHML.replace(old, new))
    with pytest.raises(ValueError, match=message) as refused:
        read_map(path)
    assert str(refused.value).startswith(path)


def test_a_map_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="/nowhere.gml: No such file or directory"):
        read_map("/nowhere.gml")
    with pytest.raises(ValueError, match="Abiline: neither a path .* nor one of Aarnet, Abilene, "):
        NetworkMap("Abiline")


def ini(name="thesis"):
    with open(os.path.join(DATA, f"{name}.ini"), encoding="utf-8") as file:
        return file.read()


def test_the_data_centre_of_the_thesis():
    plan = DataCentre.parse(ini())
    assert [len(numbers) for numbers in plan.layers().values()] == [4, 8, 16, 4]
    assert (plan.detectable_time_s, plan.queues_mbps, plan.udp_ratio, plan.iperf_port) == (10, (10, 5), 0.5, 5001)
    links = plan.links()
    assert len({(a, b) for a, b, _ in links}) == len(links) == 4 * 1 + 8 * 2 + 16 * 2
    down = {number: sum(upper == number for _, upper, _ in links) for number in plan.numbers()}
    assert {layer: {down[n] for n in numbers} for layer, numbers in plan.layers().items()} == {
        "core": {4},
        "aggregation": {4},
        "edge": {0},
        "gateway": {1},
    }
    topo = DataCentreNetwork()
    assert (len(topo.switches()), len(topo.hosts()), len(topo.links())) == (32, 36, len(links) + 36)
    rates = {kind: bandwidths(topo, *ends) for kind, ends in ENDS.items()}
    assert rates == {"out": {100}, "gateway": {100}, "core": {100}, "aggregation": {50}, "edge": {20}}


ENDS = {
    "out": ("o1", "s29"),
    "gateway": ("s1", "s29"),
    "core": ("s5", "s1"),
    "aggregation": ("s13", "s5"),
    "edge": ("h1", "s13"),
}


def bandwidths(topo, first, second):
    return {info["bandwidth_mbps"] for a, b, info in topo.links(withInfo=True) if {a, b} == {first, second}}


def test_a_data_centre_with_two_tiers():
    plan = DataCentre.parse(ini("two-tier"))
    assert plan.links() == [
        *((core, 7, 50) for core in (1, 2)),
        *((edge, core, 50) for edge in (3, 4, 5, 6) for core in (1, 2)),
    ]
    assert plan.queues_mbps == ()


def test_links_join_what_is_apart_before_what_is_not():
    text = ini("two-tier").replace("core_no = 2", "core_no = 4").replace("out_no = 1", "out_no = 0")
    plan = DataCentre.parse(text)
    assert Counter(upper for _, upper, _ in plan.links()) == {1: 2, 2: 2, 3: 2, 4: 2}


def test_more_links_than_switches_above_are_parallel_and_even():
    text = ini("two-tier").replace("edgetoagglinkno = 2", "edgetoagglinkno = 3")
    links = [(a, b) for a, b, _ in DataCentre.parse(text).links() if a > 2]
    assert sorted({links.count((edge, core)) for edge in (3, 4, 5, 6) for core in (1, 2)}) == [1, 2]
    assert [sum(upper == core for _, upper in links) for core in (1, 2)] == [6, 6]


BAD_INIS = {
    "missing": ("core_no = 4\n", "", r"\[TopologySwitches\] core_no: missing"),
    "section": ("[TopologyLinks]", "[Links]", r"\[TopologyLinks\] edgetoagglinkno: missing"),
    "word": ("agg_no = 8", "agg_no = eight", r"\[TopologySwitches\] agg_no: has to be a whole number from 0 to 1000"),
    "fraction": ("edge_no = 16", "edge_no = 1.5", r"\[TopologySwitches\] edge_no: has to be a whole number"),
    "none": ("core_no = 4", "core_no = 0", r"\[TopologySwitches\] core_no: has to be a whole number from 1"),
    "negative": ("host_no = 2", "host_no = -2", r"\[TopologyHosts\] host_no: "),
    "time": ("host_detectable_time = 10", "host_detectable_time = nan", r"\[TopologyHosts\] host_detectable_time: "),
    "out": ("out_no = 4", "out_no = ", r"\[TopologyHosts\] out_no: "),
    "uplinks": ("aggtocorelinkno = 2", "aggtocorelinkno = 0", r"\[TopologyLinks\] aggtocorelinkno: "),
    "bandwidth": ("core_bw = 100", "core_bw = 0", r"\[SwitchBandwidth\] core_bw: has to be a number from 0.1 to 10000"),
    "queue": ("queue_no = 2", "queue_no = 3", r"\[SwitchQueues\] queue_bw3: missing"),
    "queue over": ("queue_no = 2", "queue_no = 1", r"\[SwitchQueues\] queue_bw2: unknown"),
    "queues": ("queue_bw1 = 10", "queue_bw1 = 16", r"\[SwitchQueues\] queue_bw…: 21 Mbit/s together, .* only 20"),
    "ratio": ("udp_ratio = 0.5", "udp_ratio = 50", r"\[Traffic\] udp_ratio: has to be a number from 0 to 1"),
    "port": ("iperf_port = 5001", "iperf_port = 70000", r"\[Traffic\] iperf_port: "),
    "unknown key": ("iperf_port", "iperf_prot", r"\[Traffic\] iperf_prot: unknown; there are udp_ratio, iperf_port"),
    "unknown section": ("[Traffic]", "[Trafic]", r"\[Trafic\]: unknown; there are TopologySwitches, "),
    "twice": ("agg_no = 8", "agg_no = 8\nagg_no = 9", r"line\s+7.*agg_no"),
    "not one": ("[TopologySwitches]", "TopologySwitches", r"no section headers"),
    "defaults": ("[Traffic]", "[DEFAULT]\nx = 1\n[Traffic]", r"\[DEFAULT\]: unknown"),
    "islands": ("coretooutlinkno = 1", "coretooutlinkno = 0", "4 of 4 gateway switches can't be reached from s1"),
    "core": ("agg_no = 8", "agg_no = 1", "2 of 4 core switches can't be reached from s1, the first of them s3"),
}


@pytest.mark.parametrize("old, new, message", BAD_INIS.values(), ids=BAD_INIS)
def test_a_bad_ini_is_refused(written, old, new, message):
    path = written("bad.ini", ini().replace(old, new, 1))
    with pytest.raises(ValueError, match=message) as refused:
        DataCentreNetwork(path)
    assert str(refused.value).startswith(path)


@pytest.mark.limit(300)
def test_everybody_in_the_data_centre_of_the_thesis_reaches_everybody(connect, api):
    topo = DataCentreNetwork("thesis")
    network = connect(topo)
    assert (len(network.switches), len(network.hosts)) == (32, 36)
    api.wait_for_network(network)
    # The file's ten seconds are those of a machine that isn't busy.
    make_known(network.hosts, 6 * topo.plan.detectable_time_s)
    assert len(api.get("/hosts")) == 36
    # All 1,260 neighbours, and those of other networks on the machine, are more than its kernel remembers of its own.
    network.static_arp()
    assert network.ping_all(wait_s=5) == 0


def test_hosts_that_nobody_answers_are_named(plain):
    network = plain(Ring(3))
    with pytest.raises(TimeoutError, match="no answer within 1 s: h1 from h2, h2 from h3, h3 from h1"):
        make_known(network.hosts, 1)


@pytest.mark.parametrize(
    "options, links",
    [
        (("--topo", "waxman,9,3,1,hosts=all", "--test", "pingall"), 9 + 14),
        (("--topo", "ba,8,2.5,2,hosts=two", "--test", "pingall"), 2 + 10),
        (("--topo", "datacentre,two-tier", "--test", "pingall"), 19),
        (("--topo", "abilene", "--link", "shaped,delay_ms=3,bw=20", "--test", "pingall"), 16),
        (("--topo", "map,Nsfnet,hosts=two", "--test", "none"), 17),
    ],
)
def test_mn_builds_it_and_leaves_nothing_behind(options, links):
    before, kept = traces(), rows()
    output = mn("--controller", "godwit", *options)
    if "pingall" in options:
        assert " 0% dropped" in output
    assert f"Stopping {links} links" in output
    assert_nothing_new(before)
    assert rows() == kept


def test_mn_says_what_is_wrong_with_a_file(written):
    path = written("bad.ini", ini().replace("core_no = 4", "core_no = four"))
    output = mn("--controller", "godwit", "--topo", f"datacentre,{path}")
    assert f"ValueError: {path}: [TopologySwitches] core_no: has to be a whole number" in output
