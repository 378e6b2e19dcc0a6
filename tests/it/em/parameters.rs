//! Service parameters: defaults, nodes, what one change implies.

use emgate::domain::parameter::{self, CLUSTER_NODE, Scope};
use emgate::store::parameters::{self, ParameterChange};

use crate::support::site::Site;

fn told(changes: &[ParameterChange]) -> Vec<String> {
    changes
        .iter()
        .map(|c| {
            format!(
                "{} {} -> {}{}",
                c.parameter.name,
                c.previous,
                c.value,
                if c.implied { " (implied)" } else { "" }
            )
        })
        .collect()
}

fn set(site: &Site, name: &str, node: &str, value: Option<&str>) -> Option<Vec<String>> {
    let parameter = parameter::find(name).unwrap();
    site.write(|tx| parameters::set_parameter(tx, parameter, node, value)).map(|c| told(&c))
}

#[test]
fn a_maximum_switches_enforcement_on_and_back() {
    let site = Site::new();
    let max = "Intra-cluster Maximum Login Time";
    assert_eq!(
        set(&site, max, "any node", Some("8:00")).unwrap(),
        ["IntraClusterMaxLoginTime 0:00 -> 8:00", "EnforceIntraClusterMaxLoginTime F -> T (implied)"]
    );
    assert_eq!(set(&site, max, CLUSTER_NODE, Some("8:00")).unwrap(), [""; 0]);
    assert_eq!(
        set(&site, max, CLUSTER_NODE, Some("9:00")).unwrap(),
        ["IntraClusterMaxLoginTime 8:00 -> 9:00"]
    );
    assert_eq!(
        set(&site, "enforceintraclustermaxlogintime", "", Some("F")).unwrap(),
        ["EnforceIntraClusterMaxLoginTime T -> F", "IntraClusterMaxLoginTime 9:00 -> 0:00 (implied)"]
    );
}

#[test]
fn a_node_has_its_own_value_else_the_clusters_else_the_default() {
    let site = Site::new();
    site.object("ProcessNode", "gw-1", &serde_json::json!({}));
    let name = "MaximumConcurrentRequests";
    let parameter = parameter::find(name).unwrap();
    let read = |node: &str| {
        let node = node.to_owned();
        site.write(move |tx| parameters::find_parameter(tx, parameter, &node)).map(|v| v.value)
    };
    assert_eq!(read("GW-1").as_deref(), Some("5"));
    assert_eq!(set(&site, name, CLUSTER_NODE, Some("20")).unwrap().len(), 1);
    assert_eq!(read("gw-1").as_deref(), Some("20"));
    assert_eq!(set(&site, name, "gw-1", Some("30")).unwrap(), ["MaximumConcurrentRequests 20 -> 30"]);
    assert_eq!(read(CLUSTER_NODE).as_deref(), Some("20"));
    assert_eq!(set(&site, name, "gw-1", None).unwrap(), ["MaximumConcurrentRequests 30 -> 20"]);
    assert_eq!(read("nowhere"), None);
    assert_eq!(set(&site, name, "nowhere", Some("1")), None);
    let listed = site.write(parameters::list_parameters);
    let own = parameter::PARAMETERS.iter().filter(|p| p.scope == Scope::Node).count();
    assert_eq!(listed.len(), parameter::PARAMETERS.len() + own, "once more for the second node");
}
