//! The second load: one record per resource, and nothing that a request says is ever said again.
//!
//! An item takes about 700 bytes, so that 5,000 of them stay below the 4 MiB that a gRPC server takes by default.

use super::now_ns;
use super::pods::{STARTED_NS, scope};
use super::text::{LEVELS, METHODS, NAMESPACES, ROUTES, SERVICES, email, ipv4, sentence};
use crate::pb::{Pb, attr, attr_ending_in_hex, attr_int};
use crate::rng::Rng;

fn resource(pb: &mut Pb, rng: &mut Rng) {
    let service = rng.pick(SERVICES);
    pb.sub(1, |r| {
        attr(r, 1, "service.name", service);
        attr_ending_in_hex(r, 1, "service.instance.id", &rng.hex(32), 32);
        attr(r, 1, "k8s.namespace.name", rng.pick(NAMESPACES));
        attr_ending_in_hex(r, 1, "k8s.pod.name", &format!("{service}-{}", rng.hex(10)), 10);
        attr(r, 1, "k8s.node.name", &format!("ip-10-0-{}-{}.internal", rng.below(64), rng.below(256)));
    });
}

/// Who sent the request; one in five is a person.
fn caller(pb: &mut Pb, field: u32, rng: &mut Rng, item: usize) {
    attr(pb, field, "client.address", &ipv4(rng));
    if item.is_multiple_of(5) {
        attr(pb, field, "enduser.id", &email(rng));
    }
}

pub fn logs(pb: &mut Pb, rng: &mut Rng, items: usize) -> u64 {
    let now = now_ns();
    for item in 0..items {
        pb.sub(1, |rl| {
            resource(rl, rng);
            rl.sub(2, |sl| {
                scope(sl, "io.example.logging");
                sl.sub(2, |lr| {
                    let (number, text) = rng.pick(LEVELS);
                    lr.time(1, now, 1_000_000);
                    lr.uint(2, number);
                    lr.str(3, text);
                    lr.sub(5, |v| v.text(1, &sentence(rng, 160)));
                    attr(lr, 6, "http.request.method", rng.pick(METHODS));
                    attr(lr, 6, "url.path", rng.pick(ROUTES));
                    attr_int(lr, 6, "http.response.status_code", rng.pick(&[200, 200, 200, 201, 404, 500]));
                    attr_ending_in_hex(lr, 6, "request.id", &rng.hex(32), 32);
                    caller(lr, 6, rng, item);
                    lr.fixed32(8, 1);
                    lr.id(9, &rng.id::<16>());
                    lr.id(10, &rng.id::<8>());
                    lr.time(11, now, 0);
                });
            });
        });
    }
    items as u64
}

pub fn traces(pb: &mut Pb, rng: &mut Rng, items: usize) -> u64 {
    let now = now_ns();
    for item in 0..items {
        pb.sub(1, |rs| {
            resource(rs, rng);
            rs.sub(2, |ss| {
                scope(ss, "io.opentelemetry.tomcat-10.0");
                ss.sub(2, |sp| {
                    let (method, route) = (rng.pick(METHODS), rng.pick(ROUTES));
                    sp.id(1, &rng.id::<16>());
                    sp.id(2, &rng.id::<8>());
                    sp.id(4, &rng.id::<8>());
                    sp.str(5, &format!("{method} {route}"));
                    sp.uint(6, 2);
                    sp.time(7, now, 200_000_000);
                    sp.time(8, now, 0);
                    attr(sp, 9, "http.request.method", method);
                    attr(sp, 9, "http.route", route);
                    attr_int(sp, 9, "http.response.status_code", rng.pick(&[200, 200, 200, 404, 500]));
                    attr_ending_in_hex(sp, 9, "request.id", &rng.hex(32), 32);
                    caller(sp, 9, rng, item);
                    sp.sub(11, |ev| {
                        ev.time(1, now, 100_000_000);
                        ev.str(2, "db.query");
                        ev.sub(3, |kv| {
                            kv.str(1, "db.query.summary");
                            kv.sub(2, |v| v.text(1, &sentence(rng, 60)));
                        });
                    });
                    sp.fixed32(16, 0x101);
                });
            });
        });
    }
    items as u64
}

pub fn metrics(pb: &mut Pb, rng: &mut Rng, items: usize) -> u64 {
    let now = now_ns();
    for item in 0..items {
        pb.sub(1, |rm| {
            resource(rm, rng);
            rm.sub(2, |sm| {
                scope(sm, "io.opentelemetry.runtime");
                sm.sub(2, |metric| {
                    metric.str(1, &format!("app.component_{:02}.counter", item % 25));
                    metric.str(3, "1");
                    metric.sub(7, |sum| {
                        sum.sub(1, |dp| {
                            dp.time(2, now, STARTED_NS);
                            dp.time(3, now, 0);
                            dp.fixed64(6, rng.below(1_000_000));
                            attr(dp, 7, "http.route", rng.pick(ROUTES));
                            attr(dp, 7, "http.request.method", rng.pick(METHODS));
                            attr_ending_in_hex(dp, 7, "partition", &rng.hex(16), 16);
                        });
                        sum.uint(2, 2);
                        sum.uint(3, 1);
                    });
                });
            });
        });
    }
    items as u64
}
