//! Which function a method and a path go to, by API Gateway's rules: a literal part wins over a parameter, a parameter over `{proxy+}`.

use std::{borrow::Cow, sync::Arc};

use anyhow::{Context, Result};
use http::Method;

use crate::template::Route;

/// Routes to whatever `T` says of a function.
pub struct Router<T> {
    resources: matchit::Router<Resource<T>>,
}

/// A path with its methods.
struct Resource<T> {
    any: Option<Arc<Target<T>>>,
    methods: Vec<(Method, Arc<Target<T>>)>,
}

/// Where a request goes.
#[derive(Debug)]
pub struct Target<T> {
    /// As the template has it.
    pub route: Route,
    /// Who answers.
    pub function: T,
}

/// What was found.
pub struct Found<'a, T> {
    /// Where the request goes.
    pub target: &'a Arc<Target<T>>,
    /// Names and values from the path, as they stand in it.
    pub parameters: matchit::Params<'a, 'a>,
}

impl<T> Router<T> {
    /// # Errors
    /// Name a path that is written wrongly or a route that is there twice.
    pub fn new(routes: impl IntoIterator<Item = (Route, T)>) -> Result<Self> {
        let mut paths: Vec<(String, Resource<T>)> = Vec::new();
        for (route, function) in routes {
            let target = Arc::new(Target { route, function });
            let route = &target.route;
            let place = match paths.iter().position(|(path, _)| *path == route.path) {
                Some(place) => place,
                None => {
                    paths.push((route.path.clone(), Resource { any: None, methods: Vec::new() }));
                    paths.len() - 1
                }
            };
            let resource = &mut paths[place].1;
            let taken = match &route.method {
                None => resource.any.replace(target.clone()).is_some(),
                Some(method) => {
                    let taken = resource.methods.iter().any(|(other, _)| other == method);
                    resource.methods.push((method.clone(), target.clone()));
                    taken
                }
            };
            anyhow::ensure!(!taken, "the route `{} {}` is there twice", route.method.as_ref().map_or("ANY", Method::as_str), route.path);
        }
        let mut resources = matchit::Router::new();
        for (path, resource) in paths {
            resources.insert(matchit_syntax(&path), resource).with_context(|| format!("the path `{path}`"))?;
        }
        Ok(Router { resources })
    }

    /// `None` if there is no such path, or no such method on it: API Gateway answers both in the same way. `path` is as [`canonical`] makes it.
    pub fn find<'a>(&'a self, method: &Method, path: &'a str) -> Option<Found<'a, T>> {
        let matched = self.resources.at(path).ok()?;
        let exactly = |method: &Method| matched.value.methods.iter().find(|(other, _)| other == method).map(|(_, target)| target);
        // HEAD is GET without the body, unless the template says otherwise.
        let as_get = || if method == Method::HEAD { exactly(&Method::GET) } else { None };
        let target = exactly(method).or_else(as_get).or(matched.value.any.as_ref())?;
        Some(Found { target, parameters: matched.params })
    }
}

fn matchit_syntax(path: &str) -> String {
    match path.strip_suffix("+}").and_then(|path| path.rsplit_once('{')) {
        Some((before, name)) => format!("{before}{{*{name}}}"),
        None => path.to_owned(),
    }
}

/// The path without empty parts and without a slash at its end.
pub fn canonical(path: &str) -> Cow<'_, str> {
    if path == "/" || !(path.contains("//") || path.ends_with('/')) {
        return Cow::Borrowed(path);
    }
    let mut canonical = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !part.is_empty()) {
        canonical.push('/');
        canonical.push_str(part);
    }
    if canonical.is_empty() { Cow::Borrowed("/") } else { Cow::Owned(canonical) }
}

/// The path below a base path; the path itself where it isn't below it.
pub fn below<'a>(base: Option<&str>, path: &'a str) -> &'a str {
    match base.and_then(|base| path.strip_prefix(base)) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{BUILT_IN, Event, Template};

    fn router() -> Router<String> {
        let template = Template::parse(BUILT_IN).unwrap();
        Router::new(template.functions.into_iter().flat_map(|function| {
            let routes: Vec<_> =
                function.events.into_iter().filter_map(|event| if let Event::Route(route) = event { Some(route) } else { None }).collect();
            routes.into_iter().map(move |route| (route, function.name.clone()))
        }))
        .unwrap()
    }

    #[test]
    fn every_route_of_the_table_goes_to_its_function() {
        let router = router();
        for (method, path, function) in [
            ("POST", "/", "front-door"),
            ("POST", "/research", "front-door"),
            ("POST", "/v1", "front-door"),
            ("GET", "/tasks/1", "front-door"),
            ("GET", "/tasks/tasks", "front-door"),
            ("POST", "/tasks/1:cancel", "front-door"),
            ("GET", "/v1/tasks/1:subscribe", "front-door"),
            ("POST", "/research/v1/tasks/1:subscribe", "front-door"),
            ("GET", "/nowhere/at/all", "front-door"),
            ("POST", "/message:send", "send-message"),
            ("POST", "/v1/message:send", "send-message"),
            ("POST", "/research/v1/message:send", "send-message"),
            ("OPTIONS", "/message:send", "send-message"),
            ("POST", "/research/message:stream", "send-streaming-message"),
            ("GET", "/tasks", "list-tasks"),
            ("GET", "/research/tasks", "list-tasks"),
            ("POST", "/tasks/1/pushNotificationConfigs", "create-push-notification-config"),
            ("GET", "/tasks/1/pushNotificationConfigs", "list-push-notification-configs"),
            ("GET", "/v1/tasks/1/pushNotificationConfigs/2", "get-push-notification-config"),
            ("DELETE", "/research/tasks/1/pushNotificationConfigs/2", "delete-push-notification-config"),
            ("GET", "/extendedAgentCard", "get-extended-agent-card"),
            ("GET", "/v1/card", "get-extended-agent-card"),
            ("POST", "/rpc/GetTask", "get-task"),
            ("POST", "/research/rpc/CancelTask", "cancel-task"),
            ("POST", "/rpc/SubscribeToTask", "subscribe-to-task"),
            ("GET", "/.well-known/agent-card.json", "agent-card"),
            ("HEAD", "/.well-known/agent.json", "agent-card"),
            ("GET", "/research/.well-known/agent-card.json", "agent-card"),
            ("GET", "/.well-known/jwks.json", "agent-card"),
            ("GET", "/agents", "agents"),
            ("GET", "/health/ready", "health"),
            ("GET", "/admin/keys/1", "admin"),
        ] {
            let found = router.find(&method.parse().unwrap(), path).unwrap_or_else(|| panic!("{method} {path}"));
            assert_eq!(found.target.function, function, "{method} {path}");
        }
    }

    #[test]
    fn what_no_route_covers_is_not_found() {
        assert!(router().find(&Method::GET, "/health/unknown/part").is_some(), "the tenant's catch-all");
        let one = Route { method: Some(Method::GET), path: "/one".into(), streamed: false, timeout: std::time::Duration::ZERO };
        let router = Router::new([(one, ())]).unwrap();
        assert!(router.find(&Method::GET, "/two").is_none());
        assert!(router.find(&Method::POST, "/one").is_none());
        assert!(router.find(&Method::HEAD, "/one").is_some());
    }

    #[test]
    fn a_route_that_is_there_twice_is_refused() {
        let one = Route { method: None, path: "/one".into(), streamed: false, timeout: std::time::Duration::ZERO };
        assert_eq!(Router::new([(one.clone(), 1), (one, 2)]).err().unwrap().to_string(), "the route `ANY /one` is there twice");
    }

    #[test]
    fn parameters_come_by_name() {
        let router = router();
        let found = router.find(&Method::GET, "/research/tasks/7/pushNotificationConfigs/c").unwrap();
        assert_eq!(found.parameters.iter().collect::<Vec<_>>(), [("tenant", "research"), ("id", "7"), ("configId", "c")]);
    }

    #[test]
    fn slashes_are_put_right() {
        for (path, expected) in [("/", "/"), ("//", "/"), ("/a", "/a"), ("/a/", "/a"), ("//a///b//", "/a/b"), ("/a/b", "/a/b")] {
            assert_eq!(canonical(path), expected, "{path}");
        }
    }

    #[test]
    fn a_base_path_is_taken_off_at_a_slash_only() {
        for (path, expected) in [("/a2a", "/"), ("/a2a/tasks", "/tasks"), ("/a2ab", "/a2ab"), ("/tasks", "/tasks")] {
            assert_eq!(below(Some("/a2a"), path), expected, "{path}");
        }
        assert_eq!(below(None, "/a2a"), "/a2a");
    }
}
