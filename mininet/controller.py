"""The godwit program, started and stopped, and its REST interface."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager

import requests

from background import Background
from processes import end, program, wait_until

OPENFLOW_PORT = 6653
HTTP_PORT = 8080

SWITCH_OVER_PHASES = ("cut", "install", "confirm", "flip")
FINAL_STATES = ("committed", "rolled_back", "failed")


class Refused(Exception):
    """The controller answered with an error."""

    def __init__(self, method, path, response):
        self.status = response.status_code
        self.content_type = response.headers.get("Content-Type", "")
        self.body = response.text
        super().__init__(f"{method} {path}: {self.status} {self.body}")

    def problem(self):
        """The problem document, as RFC 9457 has it."""
        return requests.models.complexjson.loads(self.body)


class Api:
    """REST under `/v1`. Methods return the decoded body and raise `Refused` for any status from 400 on."""

    def __init__(self, url):
        self.url = url
        self._session = requests.Session()
        # The machine's proxy settings aren't meant for loopback.
        self._session.trust_env = False

    def request(self, method, path, body=None, **options):
        """The bare response, whatever its status."""
        if body is not None:
            options["json"] = body
        options.setdefault("timeout", 30)
        return self._session.request(method, self.url + path, **options)

    def call(self, method, path, body=None, **options):
        """The decoded body, or None for an empty one."""
        response = self.request(method, "/v1" + path, body, **options)
        if response.status_code >= 400:
            raise Refused(method, path, response)
        return response.json() if response.content else None

    def forget_connections(self):
        """Begin with new ones: the server closes those that were silent for half a minute."""
        self._session.close()

    def get(self, path, **options):
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path, body=None, **options):
        """POST."""
        return self.call("POST", path, body, **options)

    def delete(self, path, **options):
        """DELETE."""
        return self.call("DELETE", path, **options)

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry these labels; 0 if there is none."""
        total = 0.0
        for line in self.request("GET", "/metrics").text.splitlines():
            key, _, value = line.rpartition(" ")
            base, _, rest = key.partition("{")
            if base == name and all(f'{label}="{wanted}"' in rest for label, wanted in labels.items()):
                total += float(value)
        return total

    def links(self):
        """The links it has found, in the form of `GodwitNetwork.links`."""
        return {(_end(link["src"]), _end(link["dst"])) for link in self.get("/links")}

    def attachments(self):
        """Where it has found hosts, in the form of `GodwitNetwork.attachments`."""
        return {host["mac"]: _end(host["attachment"]) for host in self.get("/hosts")}

    def switch_state(self, switch):
        """A switch's state."""
        return self.get(f"/switches/{switch}")["state"]

    def wait_for_network(self, network, timeout=30):
        """Return when all of the network's switches and links are known."""
        wanted = {switch.number for switch in network.switches}
        wait_until(
            lambda: wanted <= {int(switch["dpid"], 16) for switch in self.get("/switches")},
            timeout,
            f"all {len(wanted)} switches known",
        )
        wait_until(lambda: self.links() == network.links(), timeout, "all links known")

    def wait_for_hosts(self, network, timeout=10):
        """Return when all of the network's hosts are known where they are."""
        wait_until(lambda: self.attachments() == network.attachments(), timeout, "all hosts known")

    def settle(self, network):
        """Return when the network is known completely, and its hosts know each other's addresses."""
        self.wait_for_network(network)
        assert network.ping_all() == 0, "the network isn't usable to begin with"
        self.wait_for_hosts(network)
        network.static_arp()

    def migrate(self, source, target=None, algorithm="clone", timeout=60):
        """Run a migration to its end, and return it."""
        body = {"source": source, "algorithm": algorithm}
        if target is not None:
            body["target"] = target
        started = self.post("/migrations", body)
        return self.wait_for_migration(started["id"], timeout)

    def wait_for_migration(self, identifier, timeout=60):
        """The migration when it has reached a final state."""
        path = f"/migrations/{identifier}"

        def finished():
            migration = self.get(path)
            return migration if migration["state"] in FINAL_STATES else None

        return wait_until(finished, timeout, f"the end of migration {identifier}")


# For tests that count messages, or stop them by number: the controller asks the switches nothing by itself.
QUIET = "[statistics]\ninterval_s = 0\n[rules]\naudit_interval_s = 0\n"


class Controller(Background):
    """The program, running while the context lasts. A port that is taken is replaced by a free one. `environment` is
    added to that of this process; `config` is the text of a configuration file; `wrapper` are the words of a command that
    starts it; `name` is that of another program that takes the same arguments."""

    def __init__(
        self, openflow_port=None, http_port=None, arguments=(), environment=None, config=None, wrapper=(), name="godwit"
    ):  # pylint: disable=too-many-arguments
        super().__init__("godwit-")
        self.openflow_port = free_port(OPENFLOW_PORT if openflow_port is None else openflow_port)
        self.http_port = free_port(HTTP_PORT if http_port is None else http_port)
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.api = Api(self.url)
        self._arguments = list(arguments)
        self._environment = dict(environment or {})
        self._config = config
        self._wrapper = list(wrapper)
        self._name = name

    @property
    def data_directory(self):
        """Where it keeps its journal."""
        return os.path.join(self._directory, "data")

    def _launch(self):
        command = [*self._wrapper, program(self._name), "run", "--openflow", f"127.0.0.1:{self.openflow_port}"]
        command += ["--http", f"127.0.0.1:{self.http_port}", "--data-dir", self.data_directory, *self._arguments]
        if self._config is not None:
            path = os.path.join(self._directory, "godwit.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self._config)
            command += ["--config", path]
        self._run(command, self._environment)
        wait_until(self._is_ready, 10, f"the controller ready at {self.url}")

    def restart(self, with_signal):
        """End the process by this signal and start it again with the same data and ports."""
        self.halt(with_signal)
        self.resume()

    def halt(self, with_signal):
        """End the process by this signal."""
        self._process.send_signal(with_signal)
        self._process.wait(15)

    def resume(self):
        """Start it again with the same data and ports."""
        self._launch()

    def stop(self):
        """End it by SIGTERM and return its exit code."""
        return end(self._process, patience=10)

    def _is_ready(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"the controller ended with {self._process.returncode}:\n{self.log()}")
        try:
            return self.api.request("GET", "/readyz", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    @contextmanager
    def log_shown_on_failure(self, lines=40):
        """If the block fails, write the end of the log to standard error: the log's file is about to be removed."""
        try:
            yield
        except Exception:
            print("the controller's log ends with:", *self.log().splitlines()[-lines:], sep="\n  ", file=sys.stderr)
            raise

    def is_running(self):
        """Whether the process is there."""
        return self._process.poll() is None

    def resident_bytes(self):
        """The memory that the process holds."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def command(self, *arguments):
        """Run a client command of the program against this controller."""
        words = [program("godwit"), *arguments, "--url", self.url]
        return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


def switch_over_us(migration):
    """From the first flow-mod to the last flip confirmed: the phases that write what traffic follows."""
    took = [phase["duration_us"] for phase in migration["phases"] if phase["name"] in SWITCH_OVER_PHASES]
    return sum(took)


def free_port(preferred):
    """`preferred` if nothing listens there, else a port that the kernel chooses."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            # The controller sets it too: connections that are still closing don't count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise RuntimeError("no free port")


def _end(end_of_link):
    return (int(end_of_link["dpid"], 16), end_of_link["port"])
