//! What wit-bindgen makes of `wit/processor.wit`: the packed form, which the rest of this crate unpacks.

wit_bindgen::generate!({
    path: "../../wit",
    world: "processor",
    additional_derives: [PartialEq],
    pub_export_macro: true,
    export_macro_name: "export_processor",
    default_bindings_module: "tidegate_sdk::bindings",
    runtime_path: "tidegate_sdk::wit_bindgen::rt",
});
