//! The values that metric labels can have.
//!
//! Every value is a variant of an enum, so that no name from a request or a cluster can become a
//! label: such names are unbounded, and they are nobody's business who may read metrics.

use std::fmt;

use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};

/// A label: its key, and every value it can have.
pub(super) trait Label: Copy + 'static {
    /// The label's name.
    const KEY: &'static str;
    /// Every value.
    const ALL: &'static [Self];
    /// The value as metrics spell it.
    fn value(self) -> &'static str;
}

macro_rules! label {
    (
        $(#[$doc:meta])*
        $name:ident = $key:literal { $($(#[$variant_doc:meta])* $variant:ident = $value:literal,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl Label for $name {
            const KEY: &'static str = $key;
            const ALL: &'static [Self] = &[$(Self::$variant,)+];
            fn value(self) -> &'static str {
                match self { $(Self::$variant => $value,)+ }
            }
        }
    };
}

label! {
    /// Where on the webhook port a request went.
    Endpoint = "endpoint" {
        /// `POST /validate`.
        Validate = "validate",
        /// `POST /mutate`.
        Mutate = "mutate",
        /// Any other path: somebody is misconfigured, or scanning.
        Other = "other",
    }
}

label! {
    /// How a request on the webhook port ended.
    Outcome = "outcome" {
        /// Reviewed and allowed without a word, or nothing to patch.
        Allow = "allow",
        /// Reviewed and allowed with warnings.
        Warn = "warn",
        /// Reviewed, allowed silently and recorded.
        Audit = "audit",
        /// Reviewed and refused.
        Deny = "deny",
        /// 400: not an `AdmissionReview` v1, or a body that did not arrive.
        BadRequest = "bad_request",
        /// 404.
        NotFound = "not_found",
        /// 405.
        MethodNotAllowed = "method_not_allowed",
        /// 413.
        TooLarge = "too_large",
        /// 415.
        UnsupportedMediaType = "unsupported_media_type",
        /// 503: too much in hand to read another request.
        Busy = "busy",
        /// 503: cannot say now, ask again.
        Unavailable = "unavailable",
        /// 500: a fault of ours.
        Error = "error",
        /// No answer was made: the caller went away, or the process ended.
        Aborted = "aborted",
    }
}

label! {
    /// Why a connection was closed from this end, or not taken.
    Cut = "reason" {
        /// All places were taken, by connections over which reviews went.
        Full = "full",
        /// Its address had its share of the places.
        PeerFull = "peer_full",
        /// No review had gone over it, and a newcomer needed the place.
        MadeWay = "made_way",
        /// Its TLS handshake took too long.
        SlowHandshake = "slow_handshake",
        /// The head of a request took too long.
        SlowRequest = "slow_request",
        /// Its client did not take what was sent.
        SlowReader = "slow_reader",
        /// Its client abandoned one call after the other.
        AbandonedCalls = "abandoned_calls",
        /// Nothing went on for two minutes.
        Idle = "idle",
    }
}

label! {
    /// What was decided about a binding.
    Decision = "decision" {
        /// Let through without a word.
        Allow = "allow",
        /// Let through with warnings.
        Warn = "warn",
        /// Let through silently and recorded.
        Audit = "audit",
        /// Refused.
        Deny = "deny",
    }
}

label! {
    /// The kind of object that a watch delivers.
    WatchKind = "kind" {
        /// `ClusterRoleBindings`.
        ClusterRoleBinding = "ClusterRoleBinding",
        /// `RoleBindings`.
        RoleBinding = "RoleBinding",
    }
}

label! {
    /// What came of a consistent read that was to confirm a miss.
    Confirmation = "result" {
        /// The companions are missing indeed.
        ConfirmedMissing = "confirmed_missing",
        /// They exist: the index lagged, and a false denial was avoided.
        Found = "found",
        /// The read failed or took too long, so the caller was told to ask again.
        Failed = "failed",
    }
}

label! {
    /// Why a call whose subjects are not covered was not let wait for evidence.
    MissRefusal = "reason" {
        /// As many calls wait as may.
        Calls = "calls",
        /// The bodies of those that wait are as large as they may be together.
        Bytes = "bytes",
        /// The requester has its share of a pool that others need, too.
        Share = "share",
    }
}

label! {
    /// What came of finding out whether a requester may create companions.
    AccessReview = "result" {
        /// They may.
        Allowed = "allowed",
        /// They lack a right.
        Denied = "denied",
        /// It could not be found out, or not in time.
        Failed = "failed",
        /// It was not asked, because too much was asked in that second.
        Refused = "refused",
    }
}

label! {
    /// What became of the order on a binding that came by to be patched.
    Order = "result" {
        /// One was placed.
        Placed = "placed",
        /// One was asked for, and none was placed.
        Declined = "declined",
        /// One that the request itself brought was taken off, or put back to what it was.
        TakenOff = "taken_off",
    }
}

label! {
    /// How it ended with an order that was to be carried out.
    OrderEnd = "result" {
        /// Companions were made.
        CarriedOut = "carried_out",
        /// Nothing was missing any more.
        NothingMissing = "nothing_missing",
        /// It did not count.
        DoesNotCount = "does_not_count",
        /// It expired before it could be carried out.
        Expired = "expired",
        /// It was carried out before, or its binding is gone or has another.
        Past = "past",
        /// It was left, since too many others were waiting.
        Crowded = "crowded",
    }
}

label! {
    /// What came of making a companion binding.
    Companion = "result" {
        /// It was made.
        Made = "made",
        /// It was there already.
        Found = "found",
        /// Something else had its name.
        InTheWay = "in_the_way",
        /// It could not be made.
        Failed = "failed",
    }
}

label! {
    /// Whether something could be told.
    Telling = "result" {
        /// It was.
        Told = "told",
        /// It was not.
        Failed = "failed",
    }
}

label! {
    /// A kind of webhook configuration.
    ConfigurationKind = "kind" {
        /// `ValidatingWebhookConfiguration`.
        Validating = "validating",
        /// `MutatingWebhookConfiguration`.
        Mutating = "mutating",
    }
}

label! {
    /// What came of reading a file again, because its bytes had changed.
    Reload = "result" {
        /// It is in force.
        Ok = "ok",
        /// It is broken, and the last good one stays in force.
        Failed = "failed",
    }
}

label! {
    /// What came of an Event about a denial.
    EventWrite = "result" {
        /// It is written, or counted on.
        Ok = "ok",
        /// It gave way to others, since there were too many.
        Limited = "limited",
        /// The right to create or patch it is missing.
        Forbidden = "forbidden",
        /// The API server does not take it for another reason.
        Refused = "refused",
        /// The API server cannot be asked, or did not answer in time; it is tried again.
        Unreachable = "unreachable",
    }
}

label! {
    /// What came of an attempt to write denials into the history in the cluster.
    HistoryWrite = "result" {
        /// They are in it.
        Ok = "ok",
        /// Another replica was faster; it is tried again at once.
        Conflict = "conflict",
        /// There is no such ConfigMap, or no such namespace.
        Absent = "absent",
        /// The right to get or to update it is missing.
        Forbidden = "forbidden",
        /// The API server does not take it for another reason.
        Refused = "refused",
        /// The API server cannot be asked, or did not answer in time.
        Unreachable = "unreachable",
    }
}

label! {
    /// What came of writing a report of findings.
    ReportWrite = "result" {
        /// It is written, or deleted.
        Ok = "ok",
        /// OpenReports is not installed.
        Absent = "absent",
        /// Its namespace is being deleted.
        Going = "going",
        /// The right to list, create, patch or delete it is missing.
        Forbidden = "forbidden",
        /// Somebody else has made one of its name.
        InTheWay = "in_the_way",
        /// The API server does not take it for another reason.
        Refused = "refused",
        /// The API server cannot be asked, or did not answer in time; it is tried again.
        Unreachable = "unreachable",
    }
}

label! {
    /// Which certificate.
    Certificate = "certificate" {
        /// The authority that signs.
        Ca = "ca",
        /// The one that is served.
        Serving = "serving",
    }
}

label! {
    /// What the controller does about certificates.
    CertificateWork = "work" {
        /// Reading and writing the Secrets.
        Secret = "secret",
        /// Setting `caBundle`.
        CaBundle = "ca_bundle",
        /// Looking at what the endpoints of the Service serve.
        Endpoints = "endpoints",
        /// Comparing the clock with the API server's.
        Clock = "clock",
    }
}

label! {
    /// What a finding is about.
    FindingReason = "reason" {
        /// The subject of a persona binding lacks companions.
        MissingCompanions = "missing_companions",
        /// A companion is bound to a group that Kubernetes itself hands out.
        UmbrellaGroup = "umbrella_group",
        /// There is no ClusterRole of a companion's name.
        NoCompanionRole = "no_companion_role",
        /// The ClusterRole of a companion allows nobody to list anything.
        CompanionRoleWithoutList = "companion_role_without_list",
        /// Bindings are to a persona whose ClusterRole does not exist.
        NoPersonaRole = "no_persona_role",
        /// Nobody needs a companion binding.
        UnneededCompanion = "unneeded_companion",
        /// A webhook configuration is not as the policy wants it.
        ConfigurationDrift = "configuration_drift",
        /// An order for companions is not carried out yet.
        OrderWaits = "order_waits",
        /// An order for companions has expired.
        OrderExpired = "order_expired",
        /// An order for companions will not be carried out.
        OrderDoesNotCount = "order_does_not_count",
    }
}

impl FindingReason {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// As metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.value()
    }
}

/// One label as a label set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct By<A>(pub(super) A);

/// Two labels as a label set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct By2<A, B>(pub(super) A, pub(super) B);

impl<A: Label> EncodeLabelSet for By<A> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        (A::KEY, self.0.value()).encode(encoder.encode_label())
    }
}

impl<A: Label, B: Label> EncodeLabelSet for By2<A, B> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        (A::KEY, self.0.value()).encode(encoder.encode_label())?;
        (B::KEY, self.1.value()).encode(encoder.encode_label())
    }
}
