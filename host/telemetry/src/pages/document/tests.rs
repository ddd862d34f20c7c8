//! Tests of what stands in `document`: its promises, one sentence each.

use serde_json::json;

use super::html;

#[test]
fn a_list_of_objects_is_a_table_and_text_stands_for_itself() {
    let page = html("pipelines", &json!([{ "name": "<script>", "up": true }, { "name": "a & b", "up": null }]));
    assert!(page.contains("<tr><th>name</th><th>up</th></tr>"), "{page}");
    assert!(page.contains("<tr><td>&lt;script&gt;</td><td>yes</td></tr>"), "{page}");
    assert!(page.contains("<tr><td>a &amp; b</td><td>–</td></tr>"), "{page}");
}

#[test]
fn an_object_is_names_and_values() {
    let page = html("x", &json!({ "reads": ["log.body", "span.name"], "none": [] }));
    assert!(page.contains("<dt>reads</dt><dd>log.body<br>span.name</dd>"), "{page}");
    assert!(page.contains("<dt>none</dt><dd></dd>"), "{page}");
}
