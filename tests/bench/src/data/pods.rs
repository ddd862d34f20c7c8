//! The first load: a few pods a request, the usual resource attributes, ten attributes a record.

use super::now_ns;
use super::text::{LEVELS, METHODS, NAMESPACES, ROUTES, SERVICES, email, ipv4, sentence};
use crate::pb::{Pb, attr, attr_bool, attr_double, attr_int};
use crate::rng::Rng;

fn resource(pb: &mut Pb, rng: &mut Rng) {
    let service = rng.pick(SERVICES);
    let namespace = rng.pick(NAMESPACES);
    let replica_set = rng.hex(10);
    pb.sub(1, |r| {
        attr(r, 1, "service.name", service);
        attr(r, 1, "service.version", &format!("2.{}.{}", rng.below(20), rng.below(10)));
        attr(r, 1, "service.instance.id", &rng.uuid());
        attr(r, 1, "k8s.namespace.name", namespace);
        attr(r, 1, "k8s.deployment.name", service);
        attr(r, 1, "k8s.pod.name", &format!("{service}-{replica_set}-{}", rng.hex(5)));
        attr(r, 1, "k8s.pod.uid", &rng.uuid());
        attr(r, 1, "k8s.container.name", service);
        attr(r, 1, "k8s.node.name", &format!("ip-10-0-{}-{}.internal", rng.below(64), rng.below(256)));
        attr(r, 1, "telemetry.sdk.language", "java");
    });
}

pub fn scope(pb: &mut Pb, name: &str) {
    pb.sub(1, |s| {
        s.str(1, name);
        s.str(2, "1.32.0");
    });
}

/// 100 records: 4 pods of 25, ten attributes and a 200-byte body each.
pub fn logs(pb: &mut Pb, rng: &mut Rng) -> u64 {
    let now = now_ns();
    for _ in 0..4 {
        pb.sub(1, |rl| {
            resource(rl, rng);
            rl.sub(2, |sl| {
                scope(sl, "io.example.logging");
                for i in 0..25u64 {
                    sl.sub(2, |lr| log_record(lr, rng, now, (25 - i) * 1_000_000));
                }
            });
        });
    }
    100
}

fn log_record(lr: &mut Pb, rng: &mut Rng, now: u64, age: u64) {
    let (number, text) = rng.pick(LEVELS);
    lr.time(1, now, age);
    lr.uint(2, number);
    lr.str(3, text);
    let body = sentence(rng, 200);
    lr.sub(5, |v| v.str(1, &body));
    attr(lr, 6, "http.request.method", rng.pick(METHODS));
    attr(lr, 6, "url.path", rng.pick(ROUTES));
    attr_int(lr, 6, "http.response.status_code", rng.pick(&[200, 200, 200, 201, 404, 500]));
    attr(lr, 6, "client.address", &ipv4(rng));
    attr(lr, 6, "request.id", &rng.uuid());
    attr(lr, 6, "logger.name", "com.example.web.OrderController");
    attr(lr, 6, "thread.name", &format!("http-nio-8080-exec-{}", rng.below(64)));
    attr_int(lr, 6, "code.line.number", rng.below(900));
    attr_double(lr, 6, "duration_ms", rng.below(100_000) as f64 / 100.0);
    if rng.chance(20) {
        attr(lr, 6, "enduser.id", &email(rng));
    } else {
        attr_bool(lr, 6, "retry", rng.chance(10));
    }
    lr.fixed32(8, 1);
    lr.id(9, &rng.id::<16>());
    lr.id(10, &rng.id::<8>());
    lr.time(11, now, age);
}

/// 100 spans: 4 pods of 25, traces of 5 spans, eight attributes, two events.
pub fn traces(pb: &mut Pb, rng: &mut Rng) -> u64 {
    let now = now_ns();
    for _ in 0..4 {
        pb.sub(1, |rs| {
            resource(rs, rng);
            rs.sub(2, |ss| {
                scope(ss, "io.opentelemetry.tomcat-10.0");
                for _ in 0..5 {
                    let trace = rng.id::<16>();
                    let mut parent: Option<[u8; 8]> = None;
                    for depth in 0..5u64 {
                        let id = rng.id::<8>();
                        ss.sub(2, |sp| span(sp, rng, now, depth, (&trace, &id, parent.as_ref())));
                        parent = Some(id);
                    }
                }
            });
        });
    }
    100
}

type Ids<'a> = (&'a [u8; 16], &'a [u8; 8], Option<&'a [u8; 8]>);

fn span(sp: &mut Pb, rng: &mut Rng, now: u64, depth: u64, (trace, id, parent): Ids<'_>) {
    let route = rng.pick(ROUTES);
    let method = rng.pick(METHODS);
    let end = depth * 2_000_000 + rng.below(1_000_000);
    let start = end + 5_000_000 + rng.below(200_000_000);
    sp.id(1, trace);
    sp.id(2, id);
    if let Some(parent) = parent {
        sp.id(4, parent);
    }
    sp.str(5, &format!("{method} {route}"));
    sp.uint(6, if depth.is_multiple_of(2) { 2 } else { 3 });
    sp.time(7, now, start);
    sp.time(8, now, end);
    attr(sp, 9, "http.request.method", method);
    attr(sp, 9, "http.route", route);
    attr_int(sp, 9, "http.response.status_code", rng.pick(&[200, 200, 200, 404, 500]));
    attr(sp, 9, "server.address", &format!("{}.svc.cluster.local", rng.pick(SERVICES)));
    attr_int(sp, 9, "server.port", 8080);
    attr(sp, 9, "client.address", &ipv4(rng));
    attr(sp, 9, "user_agent.original", "okhttp/4.12.0 (linux; x86_64) build 2219");
    attr(sp, 9, "peer.service", rng.pick(SERVICES));
    for name in ["cache.lookup", "db.query"] {
        sp.sub(11, |ev| {
            ev.time(1, now, end + 1_000_000);
            ev.str(2, name);
            attr(ev, 3, "db.statement.digest", &rng.hex(16));
            attr_int(ev, 3, "rows", rng.below(500));
        });
    }
    if rng.chance(5) {
        sp.sub(15, |st| {
            st.str(2, "upstream deadline exceeded");
            st.uint(3, 2);
        });
    }
    sp.fixed32(16, 0x101);
}

/// 500 points: 2 pods, 25 metrics each (15 gauges, 7 counters, 3 histograms), 10 points each.
pub fn metrics(pb: &mut Pb, rng: &mut Rng) -> u64 {
    let now = now_ns();
    for _ in 0..2 {
        pb.sub(1, |rm| {
            resource(rm, rng);
            rm.sub(2, |sm| {
                scope(sm, "io.opentelemetry.runtime");
                for m in 0..25u32 {
                    sm.sub(2, |metric| pods_metric(metric, rng, m, now));
                }
            });
        });
    }
    500
}

fn pods_metric(metric: &mut Pb, rng: &mut Rng, m: u32, now: u64) {
    let kind = match m {
        0..=14 => "gauge",
        15..=21 => "counter",
        _ => "histogram",
    };
    metric.str(1, &format!("app.component_{m:02}.{kind}"));
    metric.str(2, "A synthetic measurement used for load tests");
    metric.str(3, if kind == "histogram" { "ms" } else { "1" });
    match kind {
        "gauge" => metric.sub(5, |g| (0..10).for_each(|p| g.sub(1, |dp| number_point(dp, rng, p, now)))),
        "counter" => metric.sub(7, |s| {
            (0..10).for_each(|p| s.sub(1, |dp| number_point(dp, rng, p, now)));
            s.uint(2, 2);
            s.uint(3, 1);
        }),
        _ => metric.sub(9, |h| {
            (0..10).for_each(|p| h.sub(1, |dp| histogram_point(dp, rng, p, now)));
            h.uint(2, 2);
        }),
    }
}

const BOUNDS: [f64; 10] = [5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 1000.0, 5000.0];
/// How long ago a counter began.
pub const STARTED_NS: u64 = 3_600_000_000_000;

fn point_attrs(dp: &mut Pb, field: u32, p: usize) {
    attr(dp, field, "http.route", ROUTES[p % ROUTES.len()]);
    attr(dp, field, "http.request.method", METHODS[p % METHODS.len()]);
    attr(dp, field, "partition", &p.to_string());
    attr_int(dp, field, "http.response.status_code", 200 + (p as u64 % 3) * 100);
}

fn number_point(dp: &mut Pb, rng: &mut Rng, p: usize, now: u64) {
    dp.time(2, now, STARTED_NS);
    dp.time(3, now, 0);
    if rng.chance(50) {
        dp.double(4, rng.below(1_000_000) as f64 / 10.0);
    } else {
        dp.fixed64(6, rng.below(1_000_000));
    }
    point_attrs(dp, 7, p);
}

fn histogram_point(dp: &mut Pb, rng: &mut Rng, p: usize, now: u64) {
    let counts: Vec<u64> = (0..=BOUNDS.len()).map(|_| rng.below(400)).collect();
    dp.time(2, now, STARTED_NS);
    dp.time(3, now, 0);
    dp.fixed64(4, counts.iter().sum());
    dp.double(5, rng.below(10_000_000) as f64 / 10.0);
    let packed: Vec<u8> = counts.iter().flat_map(|c| c.to_le_bytes()).collect();
    dp.bytes(6, &packed);
    let packed: Vec<u8> = BOUNDS.iter().flat_map(|b| b.to_bits().to_le_bytes()).collect();
    dp.bytes(7, &packed);
    point_attrs(dp, 9, p);
}
