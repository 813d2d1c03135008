use axum::body::BodyDataStream;
use axum::http::StatusCode;
use godwit_openflow::types::{MacAddr, PortNo};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::store::Store;

struct Scene {
    network: Network,
    stop: watch::Sender<bool>,
    events: Events,
}

impl Scene {
    fn new() -> Self {
        let (observe, _) = mpsc::channel(1);
        let (tell, _) = mpsc::channel(1);
        let network = Network::new(observe, tell, Arc::default(), Store::in_memory()).unwrap();
        let (stop, stopped) = watch::channel(false);
        let events = Events {
            network: network.clone(),
            places: Arc::new(Semaphore::new(2)),
            stop: stopped,
        };
        Self {
            network,
            stop,
            events,
        }
    }

    fn link(&self, number: u32) {
        let at = PortRef::new(DatapathId(1), PortNo(number));
        let link = godwit_topology::Link { src: at, dst: at };
        self.network
            .publish(Event::Topology(TopologyChange::LinkUp { link }));
    }

    fn host(&self, last: u8) {
        let at = PortRef::new(DatapathId(1), PortNo(9));
        let mac = MacAddr([2, 0, 0, 0, 0, last]);
        self.network
            .publish(Event::Topology(TopologyChange::HostAdded { mac, at }));
    }

    async fn open(&self, types: Option<&str>, last: Option<&str>) -> Result<Stream, ApiError> {
        let mut headers = HeaderMap::new();
        if let Some(last) = last {
            headers.insert("last-event-id", last.parse().unwrap());
        }
        let types = types.map(str::to_owned);
        let events = State(self.events.clone());
        let response = events_stream(events, Ok(Query(Wanted { types })), headers).await?;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Stream(response.into_body().into_data_stream()))
    }
}

struct Stream(BodyDataStream);

/// An event as a client has it.
#[derive(Debug, PartialEq)]
struct Told {
    id: String,
    event: Option<String>,
    data: Option<serde_json::Value>,
}

impl Stream {
    async fn next(&mut self) -> Option<Told> {
        let soon = timeout(Duration::from_secs(5), self.0.next());
        let chunk = soon.await.unwrap()?.unwrap();
        let text = std::str::from_utf8(&chunk).unwrap();
        let field = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| {
                line.strip_prefix(name)?
                    .strip_prefix(": ")
                    .map(str::to_owned)
            })
        };
        Some(Told {
            id: field("id").unwrap(),
            event: field("event"),
            data: field("data").map(|data| serde_json::from_str(&data).unwrap()),
        })
    }

    async fn port(&mut self) -> u64 {
        let told = self.next().await.unwrap();
        assert_eq!(told.event.as_deref(), Some("link"));
        let data = told.data.unwrap();
        assert_eq!(data["type"], "link_up");
        assert!(data["time"].as_str().unwrap().ends_with('Z'));
        data["link"]["src"]["port"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn a_stream_begins_with_what_happens_next_and_goes_on_where_it_ended() {
    let scene = Scene::new();
    scene.link(1);
    let mut stream = scene.open(None, None).await.unwrap();
    let hello = stream.next().await.unwrap();
    assert_eq!((hello.event, hello.data), (None, None));
    scene.link(2);
    scene.link(3);
    assert_eq!(stream.port().await, 2);
    drop(stream);
    // What came after `hello` is told again to whoever has not read more.
    let mut stream = scene.open(None, Some(&hello.id)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().id, hello.id);
    assert_eq!(stream.port().await, 2);
    assert_eq!(stream.port().await, 3);
}

#[tokio::test]
async fn only_what_is_wanted_is_told() {
    let scene = Scene::new();
    let mut stream = scene.open(Some("rule,link"), None).await.unwrap();
    stream.next().await.unwrap();
    scene.host(1);
    scene.link(4);
    assert_eq!(stream.port().await, 4);
    let error = scene.open(Some("links"), None).await.err().unwrap();
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_was_away_too_long_is_told_what_is_missing() {
    let scene = Scene::new();
    scene.link(1);
    let mut stream = scene.open(None, Some("1000-5")).await.unwrap();
    stream.next().await.unwrap();
    let missed = stream.next().await.unwrap();
    assert_eq!(missed.event.as_deref(), Some("missed"));
    assert_eq!(missed.data.unwrap()["missed"], serde_json::Value::Null);
    assert_eq!(stream.port().await, 1);
    let error = scene.open(None, Some("yesterday")).await.err().unwrap();
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn streams_are_limited_and_end_with_the_controller() {
    let scene = Scene::new();
    let mut first = scene.open(None, None).await.unwrap();
    let second = scene.open(None, None).await.unwrap();
    let error = scene.open(None, None).await.err().unwrap();
    assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(second);
    assert!(scene.open(None, None).await.is_ok());
    first.next().await.unwrap();
    scene.stop.send_replace(true);
    assert_eq!(first.next().await, None);
}

#[test]
fn what_is_told_of_a_rule_is_as_rest_has_it() {
    let removed = FlowRemoved {
        cookie: Cookie(7),
        priority: 5,
        reason: FlowRemovedReason::IdleTimeout,
        table: TableId(0),
        duration_ns: 3,
        idle_timeout: 10,
        hard_timeout: 0,
        packets: 2,
        bytes: 98,
        pattern: Pattern::new().eth_type(0x800),
    };
    let event = Event::FlowRemoved {
        dpid: DatapathId(2),
        removed: Arc::new(removed),
    };
    let (family, shown) = Shown::of(&event).unwrap();
    assert_eq!(family, "rule");
    let expected = concat!(
        r#"{"type":"rule_removed","dpid":"0000000000000002","table":0,"priority":5,"cookie":"0x0000000000000007","#,
        r#""match":{"eth_type":2048},"reason":"idle_timeout","idle_timeout":10,"hard_timeout":0,"#,
        r#""duration_ns":3,"packets":2,"bytes":98}"#,
    );
    assert_eq!(serde_json::to_string(&shown).unwrap(), expected);
    assert!(Shown::of(&Event::Timer).is_none());
}

#[tokio::test]
async fn what_audits_find_is_told_with_the_rule() {
    let scene = Scene::new();
    let mut stream = scene.open(Some("rule"), None).await.unwrap();
    let pattern = Pattern::new().eth_type(0x0800);
    let rule = FlowRule::new(7, pattern, Vec::new()).with_cookie(Cookie(5));
    let (dpid, rule) = (DatapathId(1), Arc::new(rule));
    scene.network.publish(Event::RuleMended {
        dpid,
        owner: "routing".into(),
        rule: Arc::clone(&rule),
        aspects: [Aspect::Cookie, Aspect::Flags].into(),
    });
    scene.network.publish(Event::RuleRestored {
        dpid,
        owner: "core".into(),
        rule: Arc::clone(&rule),
    });
    scene.network.publish(Event::AlienRule { dpid, rule });
    stream.next().await.unwrap();
    for (kind, rest) in [
        (
            "rule_mended",
            serde_json::json!({"owner": "routing", "changed": ["cookie", "flags"]}),
        ),
        ("rule_restored", serde_json::json!({"owner": "core"})),
        ("alien_rule", serde_json::json!({})),
    ] {
        let told = stream.next().await.unwrap();
        assert_eq!(told.event.as_deref(), Some("rule"));
        let mut data = told.data.unwrap();
        let fields = data.as_object_mut().unwrap();
        fields.remove("time").unwrap();
        let mut expected = serde_json::json!({
            "type": kind, "dpid": "0000000000000001", "table": 0, "priority": 7,
            "cookie": "0x0000000000000005", "match": {"eth_type": 2048},
        });
        let all = expected.as_object_mut().unwrap();
        all.extend(rest.as_object().unwrap().clone());
        assert_eq!(data, expected);
    }
}
