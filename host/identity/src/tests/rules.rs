//! Rules: what may be written, and whom a certificate makes.

use std::time::Duration;

use host_config::Wrong;

use crate::{Config, Denied, Limits, Names, OnViolation, Rule, Source, Speaker, Stranger};

fn rule(of: &str, clusters: &[&str]) -> Rule {
    Rule { of: of.to_owned(), clusters: clusters.iter().map(|text| (*text).to_owned()).collect(), ..Rule::default() }
}

fn config(from: &[Source], rules: Vec<Rule>) -> Config {
    Config { from: from.to_vec(), rules, ..Config::default() }
}

fn told(config: &Config) -> String {
    config.wrongs("identity").iter().map(Wrong::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn says_what_is_missing_and_what_is_no_pattern() {
    let none = told(&Config::default());
    assert!(none.contains("identity.from: it is missing") && none.contains("identity.rules: there is none"), "{none}");
    let bad = told(&config(&[Source::Dns], vec![rule("", &["a", "[b"]), rule("x", &[])]));
    for part in
        ["rules.0.match: an empty pattern", "rules.0.clusters: \"[b\" is no pattern", "rules.1.clusters: it is missing"]
    {
        assert!(bad.contains(part), "{part} in {bad}");
    }
}

#[test]
fn what_is_to_be_overwritten_has_to_have_one_truth() {
    let overwrite = |rule| Config { on_violation: OnViolation::Overwrite, ..config(&[Source::Dns], vec![rule]) };
    assert!(told(&overwrite(rule("x", &["a-*"]))).contains("rules.0.clusters: `on_violation: overwrite`"));
    assert!(told(&overwrite(rule("x", &["a", "b"]))).contains("rules.0.clusters"));
    assert_eq!(told(&overwrite(rule("x", &["a"]))), "");
    let roles = Rule { roles: Some(vec!["edge".to_owned(), "hub".to_owned()]), ..rule("x", &["a"]) };
    assert!(told(&overwrite(roles)).contains("rules.0.roles"));
}

#[test]
fn the_identity_is_the_first_that_the_certificate_has_and_the_rule_the_first_that_matches() {
    let rules = vec![rule("spiffe://e.org/edge/eu-*", &["eu"]), rule("*.example.org", &["dns"]), rule("**", &["rest"])];
    let rules = config(&[Source::Spiffe, Source::Dns], rules).build("identity").unwrap();
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let who = |uris: &[&str], dns: &[&str], common: &[&str]| {
        let (uris, dns, common) = (owned(uris), owned(dns), owned(common));
        let speaker = rules.speaker(&Names { uris: &uris, dns: &dns, common_names: &common })?;
        Ok::<_, Stranger>((speaker.identity().to_owned(), speaker.cluster().unwrap_or_default().to_owned()))
    };
    let is = |identity: &str, cluster: &str| Ok((identity.to_owned(), cluster.to_owned()));
    assert_eq!(
        who(&["https://x", "spiffe://e.org/edge/eu-1"], &["a.example.org"], &[]),
        is("spiffe://e.org/edge/eu-1", "eu")
    );
    assert_eq!(who(&["https://x"], &["other", "a.example.org"], &[]), is("other", "rest"));
    // A wildcard does not go over a `/`.
    assert_eq!(who(&["spiffe://e.org/edge/eu-1/x"], &[], &[]), is("spiffe://e.org/edge/eu-1/x", "rest"));
    assert_eq!(who(&["spiffe://a/b", "spiffe://a/c"], &["a.example.org"], &[]), Err(Stranger::Ambiguous("SPIFFE ID")));
    assert_eq!(who(&[], &[], &["edge"]), Err(Stranger::Nameless("SPIFFE ID, DNS name".to_owned())));
}

#[test]
fn whom_no_rule_matches_is_a_stranger() {
    let rules = config(&[Source::CommonName], vec![rule("edge-*", &["a"])]).build("identity").unwrap();
    let names = ["hub".to_owned()];
    let stranger = rules.speaker(&Names { common_names: &names, ..Names::default() }).unwrap_err();
    assert_eq!(stranger, Stranger::Unmatched("hub".to_owned()));
    assert!(stranger.to_string().contains("identity.rules"));
}

/// Somebody whose certificate has this name there.
fn named(from: Source, name: &str) -> Speaker {
    let names = [name.to_owned()];
    let names = match from {
        Source::Spiffe => Names { uris: &names, ..Names::default() },
        Source::Dns => Names { dns: &names, ..Names::default() },
        Source::CommonName => Names { common_names: &names, ..Names::default() },
    };
    config(&[from], vec![rule("**", &["a"])]).build("identity").unwrap().speaker(&names).unwrap()
}

#[test]
fn dns_names_are_the_same_in_whatever_letters_and_other_identities_are_not() {
    let denied =
        Denied::read("Edge-EU.Example.org\n*.US.example.org\n*.[A-C]x.org\nspiffe://e.org/Edge/*\nHub\n").unwrap();
    let is_denied = |from, name| denied.has(&named(from, name), "1");
    for name in ["edge-eu.example.org", "EDGE-eu.example.org", "a.us.example.org", "a.bx.org", "hub"] {
        assert!(is_denied(Source::Dns, name), "{name}");
    }
    for (from, name) in [
        (Source::Dns, "edge-us.example.org"),
        (Source::Dns, "a.b.us.example.org.x"),
        (Source::CommonName, "hub"),
        (Source::CommonName, "edge-eu.example.org"),
        (Source::CommonName, "a.us.example.org"),
        (Source::Spiffe, "spiffe://e.org/edge/1"),
    ] {
        assert!(!is_denied(from, name), "{name}");
    }
    assert!(is_denied(Source::Spiffe, "spiffe://e.org/Edge/1") && is_denied(Source::CommonName, "Hub"));

    let rules = vec![rule("Edge.Example.org", &["one"]), rule("*.Example.org", &["many"]), rule("**", &["rest"])];
    let rules = config(&[Source::Dns, Source::CommonName], rules).build("identity").unwrap();
    let cluster = |names: Names<'_>| rules.speaker(&names).unwrap().cluster().unwrap().to_owned();
    let dns = |name: &str| cluster(Names { dns: &[name.to_owned()], ..Names::default() });
    assert_eq!(["edge.example.org", "a.example.org", "example.org"].map(dns), ["one", "many", "rest"]);
    let common = |name: &str| cluster(Names { common_names: &[name.to_owned()], ..Names::default() });
    assert_eq!(["edge.example.org", "a.example.org", "a.Example.org"].map(common), ["rest", "rest", "many"]);
}

#[test]
fn the_list_of_those_who_are_not_let_in_goes_by_identity_and_by_number() {
    let denied = Denied::read("# lost\nspiffe://e.org/edge/*\n\nserial: 00:AB:cd\n").unwrap();
    let [edge, hub, x] =
        ["spiffe://e.org/edge/1", "spiffe://e.org/hub/1", "spiffe://x"].map(|id| named(Source::Spiffe, id));
    assert!(denied.has(&edge, "1") && denied.has(&x, "ABCD") && denied.has(&x, "00:ab:cd"));
    assert!(!denied.has(&hub, "abce") && !Denied::default().has(&x, "1"));
    assert_eq!(Denied::read("a\nserial:xyz").unwrap_err().line, 2);
}

fn limited(default: Option<Limits>, of_rule: Option<Limits>) -> Config {
    let rule = Rule { limits: of_rule, ..rule("x", &["a"]) };
    Config { limits: default, ..config(&[Source::Dns], vec![rule]) }
}

#[test]
fn says_which_limit_makes_no_sense() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let all = Limits {
            requests_per_second: Some(rate),
            items_per_second: Some(rate),
            mib_per_second: Some(rate),
            ..Limits::default()
        };
        let told = told(&limited(None, Some(all)));
        for key in ["requests_per_second", "items_per_second", "mib_per_second"] {
            assert!(told.contains(&format!("identity.rules.0.limits.{key}: it has to be a number above 0")), "{told}");
        }
    }
    let burst = Limits { burst: Some(Duration::ZERO), in_flight_mib: Some(0), ..Limits::default() };
    let told_of = told(&limited(Some(burst), None));
    for part in [
        "identity.limits.burst: it has to be more than 0",
        "identity.limits.burst: there is no rate",
        "identity.limits.in_flight_mib: nothing could be received",
    ] {
        assert!(told_of.contains(part), "{part} in {told_of}");
    }
    assert!(told(&limited(Some(Limits::default()), None)).contains("identity.limits: it limits nothing"));
    assert_eq!(told(&limited(None, Some(Limits::default()))), "");
}

#[test]
fn the_limits_of_a_rule_take_the_place_of_those_for_all() {
    let names = ["x".to_owned()];
    let of = |default: &Option<Limits>, of_rule: Option<Limits>| {
        let rules = limited(default.clone(), of_rule).build("identity").unwrap();
        rules.speaker(&Names { dns: &names, ..Names::default() }).unwrap().limits().cloned()
    };
    let few = Limits { requests_per_second: Some(1.0), ..Limits::default() };
    let many = Limits { items_per_second: Some(1e6), ..Limits::default() };
    assert_eq!(of(&None, None), None);
    let default = Some(few.clone());
    assert_eq!(of(&default, None), Some(few));
    assert_eq!(of(&default, Some(many.clone())), Some(many));
    // Whoever is to have none is given a section without any.
    assert_eq!(of(&default, Some(Limits::default())), None);
}
