//! `docs/parameters.md`: every service parameter with type, range, default and scope, as administrators set them over AXL (EM-062).

use std::fmt::Write as _;

use emgate::domain::parameter::{CLUSTER_NODE, PARAMETERS, Parameter, SERVICE, Scope, ValueKind};

use super::{assert_written, cell};
use crate::support::axl::Caller;
use crate::support::outside::Outside;

const HEAD: &str = "# Service parameters

Written from `src/domain/parameter.rs` by a test. All of them stand under the service *Cisco Extension Mobility*; `updateServiceParameter` sets
one by its name or its name for people, in any letter case, and it counts for the next request on every node. Those of the cluster have one
value, under `EnterpriseWideData`; those of a node have that of the node, else that of `EnterpriseWideData`. No value is the default.

| name | name for people | type | values | default | scope |
|---|---|---|---|---|---|
";

fn values(parameter: &Parameter) -> String {
    match parameter.kind {
        ValueKind::Boolean => "`T`, `F`".to_owned(),
        ValueKind::Number { min, max } => format!("{min} to {max}"),
        ValueKind::Duration => "`0:00` to `168:00`, hours and minutes".to_owned(),
        ValueKind::MultipleLogin => {
            "`Multiple Logins Allowed`, `Multiple Logins Not Allowed`, `Auto Logout`".to_owned()
        }
        ValueKind::Schedule { max } => format!("rules separated by semicolons, at most {max} characters"),
        ValueKind::AddressList { max } => {
            format!("addresses, networks and host names separated by semicolons, at most {max} characters")
        }
    }
}

fn scope(parameter: &Parameter) -> &'static str {
    match parameter.scope {
        Scope::Cluster => "cluster",
        Scope::Node => "node",
    }
}

#[test]
fn the_page_of_parameters_says_what_the_table_says() {
    let mut page = HEAD.to_owned();
    for parameter in PARAMETERS {
        let Parameter { name, display_name, default, .. } = parameter;
        let (type_, scope) = (parameter.value_type(), scope(parameter));
        let default = if default.is_empty() { "none".to_owned() } else { format!("`{default}`") };
        let values = cell(&values(parameter));
        writeln!(page, "| `{name}` | {display_name} | {type_} | {values} | {default} | {scope} |").unwrap();
    }
    assert_written("parameters.md", &page);
}

#[test]
fn a_new_cluster_lists_every_parameter_of_the_page_with_its_value_and_type() {
    let site = Outside::new();
    let tags = "<returnedTags><processNodeName/><name/><service/><value/><valueType/></returnedTags>";
    let all = site.tree(
        "listServiceParameter",
        &format!("<searchCriteria><service>{SERVICE}</service></searchCriteria>{tags}"),
    );
    let text = |tag| move |row: &emgate::soap::tree::Element| row.text_of(tag).unwrap_or_default().to_owned();
    let listed: Vec<[String; 4]> = all
        .children
        .iter()
        .map(|row| ["processNodeName", "name", "value", "valueType"].map(|tag| text(tag)(row)))
        .collect();
    let of_cluster = |parameter: &Parameter| {
        [CLUSTER_NODE, parameter.name, parameter.default, parameter.value_type()].map(str::to_owned)
    };
    for parameter in PARAMETERS {
        assert!(listed.contains(&of_cluster(parameter)), "{} in {listed:?}", parameter.name);
        let is_of_nodes = listed.iter().any(|row| row[1] == parameter.name && row[0] == "test");
        assert_eq!(is_of_nodes, parameter.scope == Scope::Node, "{}", parameter.name);
    }
}
