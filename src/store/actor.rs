//! Who acts.

/// The id of the account's first administrator, who acts where nobody else does.
pub(crate) const ADMINISTRATOR: i64 = 1;

/// The person who acts in a call, and their role as it was when the call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    /// The id of the person.
    pub(crate) id: i64,
    pub(crate) role: Role,
}

/// What a person may see and change; each role may do what those after it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(dead_code, reason = "nobody but an administrator signs in yet")]
pub(crate) enum Role {
    Administrator,
    ProjectManager,
    Regular,
}

impl Actor {
    /// Person 1 with every right: who acts where nobody is asked who they are.
    pub(crate) const FIRST: Actor = Actor { id: ADMINISTRATOR, role: Role::Administrator };

    /// Whether they may do everything.
    pub(crate) fn is_administrator(self) -> bool {
        self.role == Role::Administrator
    }
}
