//! What a module may know of where data came from.

use host_component::Origin;

use super::granted;
use crate::{GrantsConfig, ModulesConfig, ProcessorConfig};

#[test]
fn a_module_sees_the_metadata_that_it_was_granted_and_no_other() {
    let grants = GrantsConfig { metadata: vec!["X-Tenant".to_owned()], ..GrantsConfig::default() };
    let modules = ModulesConfig { grants: [("mine".to_owned(), grants)].into(), ..ModulesConfig::default() };
    let of = |module: &str| {
        let processor = ProcessorConfig { module: module.to_owned(), ..ProcessorConfig::default() };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let metadata = vec![pair("authorization", "Bearer x"), pair("x-tenant", "a"), pair("x-tenant", "b")];
        granted(&Origin { metadata }, &modules.metadata_of(&processor)).map(|origin| origin.metadata)
    };
    let tenants = ["a", "b"].map(|value| ("x-tenant".to_owned(), value.to_owned())).to_vec();
    assert_eq!(of("mine"), Some(tenants.clone()));
    assert_eq!(of("./build/mine.wasm"), Some(tenants));
    assert_eq!(of("other"), None);
}
