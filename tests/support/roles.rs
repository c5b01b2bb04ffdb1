//! The roles that bindguard's built-in policy is about.

use super::ControlPlane;
use super::user::ADMIN;

impl ControlPlane {
    /// Makes the persona and companion roles that Palette would bring; once is enough.
    pub fn install_roles(&self) -> &Self {
        self.roles.get_or_init(|| {
            self.apply(ADMIN, include_str!("roles.yaml"))
                .expect_success();
        });
        self
    }
}
