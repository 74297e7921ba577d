//! The one table of who may do what: a method or route, and the least role that it takes.

use engine::Role;
use protocol::{A2aError, Method};

use crate::Authentication;

/// Something that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// To be heard at all by what performs methods, whichever it will be.
    AnyMethod,
    /// One method of the protocol, in any binding.
    Method(Method),
    /// The public agent cards and the keys that sign them.
    AgentCards,
    /// The list of agents.
    Agents,
    /// Whether the process lives and can serve.
    Health,
    /// How its parts are.
    HealthDetails,
    /// Everything under `/admin`.
    Admin,
}

impl Access {
    /// Everything that there is to ask for.
    pub fn all() -> impl Iterator<Item = Access> {
        let places = [Access::AnyMethod, Access::AgentCards, Access::Agents, Access::Health, Access::HealthDetails, Access::Admin];
        places.into_iter().chain(Method::ALL.map(Access::Method))
    }
}

/// The least role for it.
pub const fn minimal_role(access: Access, authentication: Authentication) -> Role {
    match access {
        Access::AgentCards | Access::Agents | Access::Health => Role::Public,
        Access::Method(Method::GetExtendedAgentCard) => Role::Authenticated,
        Access::AnyMethod | Access::Method(_) => match authentication {
            Authentication::Optional => Role::Public,
            Authentication::Required => Role::Authenticated,
        },
        Access::HealthDetails => Role::System,
        Access::Admin => Role::Admin,
    }
}

/// `admin` and `system` both include `authenticated`, but not each other.
const fn includes(role: Role, needed: Role) -> bool {
    match needed {
        Role::Public => true,
        Role::Authenticated => !matches!(role, Role::Public),
        Role::Admin => matches!(role, Role::Admin),
        Role::System => matches!(role, Role::System),
    }
}

/// Whether the role is enough; who showed no credentials is asked for some, who did is refused.
pub(crate) fn check(role: Role, access: Access, authentication: Authentication) -> Result<(), A2aError> {
    let needed = minimal_role(access, authentication);
    match role {
        role if includes(role, needed) => Ok(()),
        Role::Public => Err(A2aError::Unauthenticated { reason: "this needs credentials: a Bearer token or an X-API-Key".into() }),
        _ => Err(A2aError::PermissionDenied { reason: format!("this needs the role `{}`", needed.as_str()) }),
    }
}

#[cfg(test)]
mod tests {
    use Authentication::{Optional, Required};
    use Role::{Admin, Authenticated, Public, System};

    use super::*;

    /// Access, the least role where authentication is optional, and where it is required.
    const TABLE: [(Access, Role, Role); 17] = [
        (Access::AnyMethod, Public, Authenticated),
        (Access::Method(Method::SendMessage), Public, Authenticated),
        (Access::Method(Method::SendStreamingMessage), Public, Authenticated),
        (Access::Method(Method::GetTask), Public, Authenticated),
        (Access::Method(Method::ListTasks), Public, Authenticated),
        (Access::Method(Method::CancelTask), Public, Authenticated),
        (Access::Method(Method::SubscribeToTask), Public, Authenticated),
        (Access::Method(Method::CreateTaskPushNotificationConfig), Public, Authenticated),
        (Access::Method(Method::GetTaskPushNotificationConfig), Public, Authenticated),
        (Access::Method(Method::ListTaskPushNotificationConfigs), Public, Authenticated),
        (Access::Method(Method::DeleteTaskPushNotificationConfig), Public, Authenticated),
        (Access::Method(Method::GetExtendedAgentCard), Authenticated, Authenticated),
        (Access::AgentCards, Public, Public),
        (Access::Agents, Public, Public),
        (Access::Health, Public, Public),
        (Access::HealthDetails, System, System),
        (Access::Admin, Admin, Admin),
    ];

    #[test]
    fn each_row_names_its_least_role() {
        for (access, optional, required) in TABLE {
            assert_eq!(minimal_role(access, Optional), optional, "{access:?} where authentication is optional");
            assert_eq!(minimal_role(access, Required), required, "{access:?} where authentication is required");
        }
        for access in Access::all() {
            assert!(TABLE.iter().any(|row| row.0 == access), "{access:?} has no row");
        }
        assert_eq!(Access::all().count(), TABLE.len());
    }

    #[test]
    fn each_row_admits_who_has_the_role_and_nobody_else() {
        for (access, optional, required) in TABLE {
            for (authentication, needed) in [(Optional, optional), (Required, required)] {
                for role in [Public, Authenticated, Admin, System] {
                    let enough = needed == Public || role == needed || (needed == Authenticated && role != Public);
                    let outcome = check(role, access, authentication);
                    assert_eq!(outcome.is_ok(), enough, "{role:?} for {access:?}");
                    match outcome {
                        Ok(()) => {}
                        Err(A2aError::Unauthenticated { .. }) => assert_eq!(role, Public),
                        Err(A2aError::PermissionDenied { reason }) => assert!(reason.contains(needed.as_str())),
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
        }
    }
}
