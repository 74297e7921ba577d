//! The limits of CloudFormation, API Gateway and Lambda that a growing template comes near to.

use std::collections::{BTreeMap, BTreeSet};

use crate::stack::{references, transformed};

#[test]
fn the_template_is_within_what_cloudformation_takes() {
    let Some(template) = transformed() else { return };
    let (resources, parameters) = (template["Resources"].as_object().unwrap().len(), template["Parameters"].as_object().unwrap().len());
    let bytes = template.to_string().len();
    println!("{resources} resources, {parameters} parameters, {bytes} bytes");
    assert!(resources <= 500, "{resources} resources");
    assert!(parameters <= 200, "{parameters} parameters");
    assert!(bytes <= 1_000_000, "{bytes} bytes");
}

#[test]
fn the_api_is_within_what_api_gateway_takes() {
    let Some(template) = transformed() else { return };
    let paths = template["Resources"]["Api"]["Properties"]["Body"]["paths"].as_object().unwrap();
    // Each part of a path on the way to a route is a resource of the API.
    let mut places = BTreeSet::new();
    for path in paths.keys() {
        places.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()).chain([path.clone()]));
    }
    println!("{} resources of the API", places.len());
    assert!(places.len() <= 300, "{}", places.len());
}

#[test]
fn no_functions_policy_of_callers_is_longer_than_lambda_takes() {
    let Some(template) = transformed() else { return };
    let mut statements: BTreeMap<String, usize> = BTreeMap::new();
    for permission in template["Resources"].as_object().unwrap().values().filter(|resource| resource["Type"] == "AWS::Lambda::Permission") {
        *statements.entry(references(&permission["Properties"]["FunctionName"]).join("")).or_default() += 1;
    }
    // 20 KB; a statement has some 450 bytes.
    for (function, count) in statements {
        assert!(count <= 40, "{function}: {count}");
    }
}
