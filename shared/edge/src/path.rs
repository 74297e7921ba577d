//! Where a request goes: the path without base path, tenant and trailing slash, and what is there.

use protocol::Method;

/// A path taken apart. The parts borrow from the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The agent whose id is the first segment.
    pub tenant: Option<&'a str>,
    /// The rest, from its slash on, without a trailing one.
    pub path: &'a str,
}

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// Every method by JSON-RPC.
    JsonRpc,
    /// One method by JSON-RPC.
    JsonRpcOf(Method),
    /// `/.well-known/agent-card.json`
    AgentCard,
    /// `/.well-known/agent.json`, which the first clients read.
    FirstAgentCard,
    /// `/.well-known/jwks.json`
    Keys,
    /// `/agents`
    Agents,
    /// `/health`
    Health,
    /// `/health/ready`
    Ready,
    /// `/health/details`
    Details,
    /// Below `/admin`.
    Admin(&'a str),
    /// Anything else: the HTTP+JSON binding knows, or nobody.
    Rest,
}

impl Place<'_> {
    /// What logs call it: a method's name where it is for one alone.
    pub const fn name(self) -> &'static str {
        match self {
            Place::JsonRpc => "JSON-RPC",
            Place::JsonRpcOf(method) => method.name(),
            Place::Rest => "HTTP+JSON",
            Place::AgentCard | Place::FirstAgentCard => "AgentCard",
            Place::Keys => "Keys",
            Place::Agents => "Agents",
            Place::Health | Place::Ready | Place::Details => "Health",
            Place::Admin(_) => "Admin",
        }
    }
}

/// Takes a path apart; `is_agent` says which first segments are tenants.
pub(crate) fn target<'a>(path: &'a str, base_path: Option<&str>, is_agent: impl Fn(&str) -> bool) -> Target<'a> {
    let path = base_path.and_then(|base| path.strip_prefix(base)).filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path);
    let path = trimmed(path);
    let first = path[1..].split('/').next().unwrap_or_default();
    if !first.is_empty() && is_agent(first) {
        return Target { tenant: Some(first), path: trimmed(&path[1 + first.len()..]) };
    }
    Target { tenant: None, path }
}

/// What is there. Only the default tenant has places that are no agent's.
pub(crate) fn place<'a>(target: Target<'a>) -> Place<'a> {
    match target.path {
        "/" | "/v1" => Place::JsonRpc,
        "/.well-known/agent-card.json" => Place::AgentCard,
        "/.well-known/agent.json" => Place::FirstAgentCard,
        "/.well-known/jwks.json" => Place::Keys,
        "/agents" if target.tenant.is_none() => Place::Agents,
        "/health" if target.tenant.is_none() => Place::Health,
        "/health/ready" if target.tenant.is_none() => Place::Ready,
        "/health/details" if target.tenant.is_none() => Place::Details,
        "/admin" if target.tenant.is_none() => Place::Admin("/"),
        path => {
            if let Some(name) = path.strip_prefix("/rpc/")
                && let Some(method) = Method::ALL.into_iter().find(|method| method.name() == name)
            {
                return Place::JsonRpcOf(method);
            }
            match path.strip_prefix("/admin") {
                Some(below) if below.starts_with('/') && target.tenant.is_none() => Place::Admin(below),
                _ => Place::Rest,
            }
        }
    }
}

fn trimmed(path: &str) -> &str {
    match path.strip_suffix('/').unwrap_or(path) {
        "" => "/",
        path if path.starts_with('/') => path,
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> (Option<&str>, Place<'_>) {
        let target = target(path, Some("/a2a"), |segment| segment == "echo");
        (target.tenant, place(target))
    }

    #[test]
    fn a_path_is_found_with_and_without_base_path_tenant_and_trailing_slash() {
        for (path, tenant, found) in [
            ("", None, Place::JsonRpc),
            ("/", None, Place::JsonRpc),
            ("/v1", None, Place::JsonRpc),
            ("/a2a", None, Place::JsonRpc),
            ("/a2a/", None, Place::JsonRpc),
            ("/echo", Some("echo"), Place::JsonRpc),
            ("/echo/", Some("echo"), Place::JsonRpc),
            ("/a2a/echo/rpc/GetTask", Some("echo"), Place::JsonRpcOf(Method::GetTask)),
            ("/rpc/SendMessage/", None, Place::JsonRpcOf(Method::SendMessage)),
            ("/rpc/Nothing", None, Place::Rest),
            ("/.well-known/agent-card.json", None, Place::AgentCard),
            ("/echo/.well-known/agent.json", Some("echo"), Place::FirstAgentCard),
            ("/a2a/.well-known/jwks.json", None, Place::Keys),
            ("/agents", None, Place::Agents),
            ("/health/ready/", None, Place::Ready),
            ("/echo/health", Some("echo"), Place::Rest),
            ("/admin", None, Place::Admin("/")),
            ("/admin/queues", None, Place::Admin("/queues")),
            ("/administration", None, Place::Rest),
            ("/a2axyz", None, Place::Rest),
            ("/tasks/1:cancel", None, Place::Rest),
        ] {
            assert_eq!(at(path), (tenant, found), "{path}");
        }
    }

    #[test]
    fn the_rest_of_a_path_keeps_its_slash() {
        let rest = target("/a2a/echo/v1/message:send/", Some("/a2a"), |segment| segment == "echo");
        assert_eq!(rest, Target { tenant: Some("echo"), path: "/v1/message:send" });
    }
}
