//! Tests of names and addresses, and the DNS server that they are asked of.

mod dns;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{Lookup, Name, System};
pub(crate) use dns::DnsServer;

const PATIENCE: Duration = Duration::from_secs(20);

fn v4(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

#[tokio::test]
async fn a_name_stands_for_all_of_its_addresses_each_once_and_in_order() {
    let server = DnsServer::start().await;
    server.knows("hub.test", &[v4(3), v4(1), v4(2), v4(1)]);
    let mut name = Name::new(Arc::new(server.lookup()), "hub.test", PATIENCE, "test");
    assert_eq!(name.addresses().await.unwrap(), [v4(1), v4(2), v4(3)]);
    server.knows("hub.test", &[v4(9)]);
    assert_eq!(name.addresses().await.unwrap(), [v4(9)]);
}

#[tokio::test]
async fn says_which_name_has_no_addresses() {
    let server = DnsServer::start().await;
    let mut name = Name::new(Arc::new(server.lookup()), "nobody.test", PATIENCE, "test");
    let told = name.addresses().await.unwrap_err().to_string();
    assert!(told.contains("nobody.test"), "{told}");
}

/// Answers when it is told to, and counts questions.
#[derive(Clone, Default)]
struct Slow(Arc<(AtomicUsize, tokio::sync::Notify)>);

impl Lookup for Slow {
    fn addresses(&self, _: String) -> host_component::BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let shared = Arc::clone(&self.0);
        shared.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            shared.1.notified().await;
            Ok(vec![v4(1)])
        })
    }
}

#[tokio::test(start_paused = true)]
async fn asks_no_second_question_while_the_first_has_no_answer() {
    let slow = Slow::default();
    let mut name = Name::new(Arc::new(slow.clone()), "hub.test", Duration::from_secs(1), "test");
    for _ in 0..3 {
        let told = name.addresses().await.unwrap_err().to_string();
        assert!(told.contains("no answer within 1s"), "{told}");
    }
    slow.0.1.notify_one();
    assert_eq!(name.addresses().await.unwrap(), [v4(1)]);
    assert_eq!(slow.0.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_system_knows_an_address_by_itself() {
    let mut name = Name::new(Arc::new(System), "127.0.0.7", PATIENCE, "test");
    assert_eq!(name.addresses().await.unwrap(), [v4(7)]);
}
