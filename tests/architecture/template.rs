//! template.yaml is the one route table: every function stands in it.

use std::fs;

use serde_yaml_ng::Value;

use crate::files::{functions, root};

#[test]
fn every_function_is_deployed() {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    for folder in functions() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let named = template.lines().any(|line| line.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == name));
        assert!(named, "`{name}` is not in template.yaml");
    }
}

#[test]
fn a_function_says_its_trigger_in_its_first_line() {
    for folder in functions() {
        let main = fs::read_to_string(folder.join("src/main.rs")).unwrap();
        assert!(main.starts_with("//! Trigger: "), "{}", folder.display());
        assert!(main.lines().count() <= 20, "{} is more than a few lines", folder.display());
        // Their manifests build no tests: what there is to test is below them.
        let handler = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        assert!(!handler.contains("#[cfg(test)]"), "{} has tests that never run", folder.display());
    }
}

/// The resources of a type, by name, with their properties.
fn resources(kind: &str) -> Vec<(String, Value)> {
    let template: Value = serde_yaml_ng::from_str(&fs::read_to_string(root().join("template.yaml")).unwrap()).unwrap();
    let resources = template["Resources"].as_mapping().unwrap().iter().filter(|(_, resource)| resource["Type"] == kind);
    resources.map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource["Properties"].clone())).collect()
}

#[test]
fn queues_hide_work_six_times_as_long_as_it_may_take_and_let_the_engine_give_up_first() {
    let (queues, roles) = (resources("AWS::SQS::Queue"), resources("AWS::IAM::Role"));
    let mut workers = 0;
    for (name, function) in resources("AWS::Serverless::Function") {
        for event in function["Events"].as_mapping().unwrap().values().filter(|event| event["Type"] == "SQS") {
            workers += 1;
            let arn = event["Properties"]["Queue"].as_str().unwrap();
            let (_, queue) = queues.iter().find(|(queue, _)| arn == format!("{queue}.Arn")).unwrap();
            assert!(queue["VisibilityTimeout"].as_u64().unwrap() >= 6 * function["Timeout"].as_u64().unwrap(), "{name}");
            // A webhook is tried 36 times in a day: pauses that double from a second up to an hour.
            assert!(queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap() >= 40, "{name}");
            assert_eq!(event["Properties"]["FunctionResponseTypes"][0], "ReportBatchItemFailures", "{name}");
            // Putting work off is more than Lambda itself needs to hand work out.
            let role = function["Role"].as_str().unwrap().strip_suffix(".Arn").unwrap();
            let (_, role) = roles.iter().find(|(id, _)| id == role).unwrap();
            assert!(serde_yaml_ng::to_string(role).unwrap().contains("sqs:ChangeMessageVisibility"), "{name}");
        }
    }
    assert_eq!(workers, 2);
}

#[test]
fn the_readme_installs_the_tools_that_the_tests_run() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let readme = read("README.md");
    let install = readme.lines().find(|line| line.starts_with("$ pip install ")).unwrap();
    let tools = read("xtask/src/tools.rs");
    let (_, version) = install.split_once("aws-sam-cli==").unwrap();
    let version = version.split(' ').next().unwrap();
    assert!(tools.contains(&format!("\"aws-sam-cli=={version}\"")), "{install}");
    // What the commands name is there.
    for line in readme.lines().filter(|line| line.starts_with("$ sam ")) {
        let (_, file) = line.split_once("--config-file ").unwrap();
        assert!(root().join(file.trim()).exists(), "{line}");
    }
    // Each name in the table of what it costs is a value that the parameter takes.
    let template: Value = serde_yaml_ng::from_str(&read("template.yaml")).unwrap();
    for store in template["Parameters"]["Store"]["AllowedValues"].as_sequence().unwrap() {
        assert!(readme.contains(&format!("| `{}` | ", store.as_str().unwrap())), "{store:?}");
    }
}
