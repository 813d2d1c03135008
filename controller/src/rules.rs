//! Rules: whose they are, sending them in confirmed rounds, and mending what a switch holds.

mod blame;
pub mod overlap;
mod reconcile;
mod round;
pub mod settle;
pub mod shared;

#[cfg(test)]
mod tests;

pub(crate) use blame::{Blamed, blamed};
pub use reconcile::{Aspect, Finding, compare, difference, put_anew};
pub use round::{Round, RoundError, SwitchFailure};

use std::fmt;

use godwit_openflow::model::pattern::Field;
use godwit_openflow::model::{Action, FlowRule, Pattern};
use godwit_openflow::types::{Cookie, MacAddr, PortNo};

/// The ethertype of LLDP (IEEE 802.1AB).
const ETHERTYPE_LLDP: u16 = 0x88cc;

/// The owner of a rule, in the upper 32 bits of its cookie; the lower 32 are the owner's own.
///
/// The upper 16 bits are the same for all of godwit, so that its rules can be told from those of
/// others, also those of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The controller: table-miss and discovery.
    Core,
    /// The `learning` app.
    Learning,
    /// The `routing` app; its own part is the route's number.
    Routing,
    /// The `entries` app; its own part is the entry's number.
    Entries,
    /// The `acl` app; its own part is the number of a rule of the access list.
    Acl,
    /// An app that godwit does not ship, by a number that whoever builds the program gives out, each once.
    App(u8),
}

/// The mark of godwit in the upper 16 bits of a cookie.
const MARK: u64 = 0x60d1;

/// What the numbers of apps that godwit does not ship begin with.
const FIRST_APP: u64 = 0x100;

impl Owner {
    /// Its number, the lower half of the upper 32 bits of its cookies.
    const fn number(self) -> u64 {
        match self {
            Self::Core => 0,
            Self::Learning => 1,
            Self::Routing => 2,
            Self::Entries => 3,
            Self::Acl => 4,
            Self::App(number) => FIRST_APP + number as u64,
        }
    }

    /// The cookie of this owner's rule number `own`.
    #[must_use]
    pub const fn cookie(self, own: u32) -> Cookie {
        Cookie(MARK << 48 | self.number() << 32 | own as u64)
    }

    /// The same cookie with this owner as its owner.
    #[must_use]
    pub const fn stamped(self, cookie: Cookie) -> Cookie {
        self.cookie(cookie.0 as u32)
    }

    /// Whose cookie this is, if it is one of godwit's.
    #[must_use]
    pub fn of(cookie: Cookie) -> Option<Self> {
        let number = is_ours(cookie).then_some(cookie.0 >> 32 & 0xffff)?;
        let named = [
            Self::Core,
            Self::Learning,
            Self::Routing,
            Self::Entries,
            Self::Acl,
        ];
        let app = number.checked_sub(FIRST_APP);
        let app = app.and_then(|number| u8::try_from(number).ok());
        let named = named.into_iter().find(|owner| owner.number() == number);
        named.or_else(|| app.map(Self::App))
    }

    /// The owner's own part of a cookie that is this owner's.
    #[must_use]
    pub const fn own_part(self, cookie: Cookie) -> Option<u32> {
        if cookie.0 >> 32 == MARK << 16 | self.number() {
            Some(cookie.0 as u32)
        } else {
            None
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core => f.write_str("core"),
            Self::Learning => f.write_str("learning"),
            Self::Routing => f.write_str("routing"),
            Self::Entries => f.write_str("entries"),
            Self::Acl => f.write_str("acl"),
            Self::App(number) => write!(f, "app {number}"),
        }
    }
}

/// Whether a rule with this cookie is godwit's.
#[must_use]
pub const fn is_ours(cookie: Cookie) -> bool {
    cookie.0 >> 48 == MARK
}

/// Whether a rule with this cookie stands on every switch alike: the controller's own, and the access list. Work that is
/// moved finds it where it goes, so it is neither moved nor in the way.
#[must_use]
pub const fn stands_everywhere(cookie: Cookie) -> bool {
    Owner::Core.own_part(cookie).is_some() || Owner::Acl.own_part(cookie).is_some()
}

/// A rule as people know it.
#[must_use]
pub fn described(rule: &FlowRule) -> String {
    format!(
        "table {}, priority {}, cookie {}, {}",
        rule.table.0, rule.priority, rule.cookie, rule.pattern
    )
}

/// The rules that every switch holds: discovery frames and what no other entry matches go to the controller.
#[must_use]
pub fn base() -> [FlowRule; 2] {
    let to_controller = || vec![Action::output(PortNo::CONTROLLER)];
    [
        discovery_rule(),
        // OF 1.3.5 §5.4: without a table-miss entry unmatched packets are dropped. 1.0 switches send them
        // anyway, but only so many bytes of them.
        FlowRule::new(0, Pattern::new(), to_controller()).with_cookie(Owner::Core.cookie(1)),
    ]
}

/// LLDP goes to the controller, above all other rules.
#[must_use]
pub fn discovery_rule() -> FlowRule {
    discovery(vec![Action::output(PortNo::CONTROLLER)])
}

/// The same, where the frames get another source address before; see [`sweep`](crate::sweep).
#[must_use]
pub(crate) fn stamping_discovery_rule(stamp: MacAddr) -> FlowRule {
    let stamped = Action::SetField {
        field: Field::EthSrc,
        value: stamp.to_u64().into(),
    };
    discovery(vec![stamped, Action::output(PortNo::CONTROLLER)])
}

fn discovery(actions: Vec<Action>) -> FlowRule {
    let pattern = Pattern::new().eth_type(ETHERTYPE_LLDP);
    FlowRule::new(u16::MAX, pattern, actions).with_cookie(Owner::Core.cookie(0))
}
