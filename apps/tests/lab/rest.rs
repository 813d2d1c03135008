//! What REST answers.

use godwit_apps::entries::Entries;
use godwit_apps::migration::Migrations;
use godwit_apps::migration::record::State;
use godwit_apps::migration::request::{Algorithm, Request};

use crate::bench::{Bench, SOURCE, TARGET};

const PROBLEM: &str = "application/problem+json";

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_older_migrations_are_given_up_and_their_records_stay() {
    let bench = Bench::with(|routing| {
        let entries = Entries::new(routing.network().clone());
        Migrations::new(routing, entries).keeping_plans_of(5)
    })
    .await;
    bench.routes(3).await;
    let there_and_back = [(SOURCE, TARGET), (TARGET, SOURCE)];
    for (source, target) in there_and_back {
        let request = Request {
            source,
            target: Some(target),
            ..Bench::request(Algorithm::Clone)
        };
        let (migration, _) = bench.migrations.begin(request, None).await.unwrap();
        let plan = format!("/v1/migrations/{}/plan", migration.id());
        assert_eq!(bench.end_of(&migration).await.0, State::Committed);
        assert_eq!(bench.http("GET", &plan).await.0, 200);
        let restore = format!("/v1/switches/{source}/restore");
        assert_eq!(bench.http("POST", &restore).await.0, 200);
    }
    let (status, kind, problem) = bench.http("GET", "/v1/migrations/1/plan").await;
    assert_eq!((status, kind.as_str()), (404, PROBLEM));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("no longer kept"), "{detail}");
    let (status, _, record) = bench.http("GET", "/v1/migrations/1").await;
    assert_eq!((status, &record["flows"]), (200, &3.into()));
    assert_eq!(bench.http("GET", "/v1/migrations/2/plan").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_can_have_is_a_problem_like_any_other() {
    let bench = Bench::new().await;
    for (method, pattern) in [
        ("GET", "/v1/switches/{}"),
        ("GET", "/v1/switches/{}/rules"),
        ("GET", "/v1/switches/{}/ports"),
        ("GET", "/v1/switches/{}/tables"),
        ("GET", "/v1/switches/{}/statistics"),
        ("POST", "/v1/switches/{}/statistics"),
        ("POST", "/v1/switches/{}/restore"),
        ("GET", "/v1/routes/{}"),
        ("DELETE", "/v1/routes/{}"),
        ("GET", "/v1/migrations/{}"),
        ("DELETE", "/v1/migrations/{}"),
        ("POST", "/v1/migrations/{}/revert"),
        ("GET", "/v1/migrations/{}/plan"),
    ] {
        for name in ["%FF", "nobody", "-1", "99999999999999999999", "%00"] {
            let path = pattern.replace("{}", name);
            let (status, kind, problem) = bench.http(method, &path).await;
            assert_eq!((status, kind.as_str()), (404, PROBLEM), "{method} {path}");
            assert_eq!(problem["status"], 404, "{method} {path}");
        }
    }
}
