//! Who a test acts as.

/// The name that stands for a member of `system:masters` wherever a test names a user.
pub const ADMIN: &str = "admin";

/// A user as the API server is to see it. A plain `"alice"` will do where no groups are needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct User {
    name: String,
    groups: Vec<String>,
}

impl User {
    /// A user in no group but `system:authenticated`. Any non-empty name will do.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            groups: Vec::new(),
        }
    }

    /// The same user, in one more group.
    pub fn in_group(mut self, group: impl Into<String>) -> Self {
        self.groups.push(group.into());
        self
    }

    /// The user name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The groups, in the order they were given.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }
}

impl From<&str> for User {
    fn from(name: &str) -> Self {
        let user = Self::named(name);
        if name == ADMIN {
            user.in_group("system:masters")
        } else {
            user
        }
    }
}

impl From<&User> for User {
    fn from(user: &User) -> Self {
        user.clone()
    }
}
