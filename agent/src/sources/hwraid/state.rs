//! The closed lists of words: how volumes, drives, batteries and caches are.

use xunjian_proto::MemberState;

/// How a volume is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum VolumeState {
    /// All members serve.
    Optimal,
    /// A member is gone; more may go.
    Partial,
    /// A member is gone.
    Degraded,
    /// A member is being rebuilt.
    Rebuilding,
    /// It does not serve.
    Failed,
    /// The word was not understood.
    #[default]
    Unknown,
}

impl VolumeState {
    /// As it leaves the agent.
    pub(super) fn word(self) -> &'static str {
        match self {
            VolumeState::Optimal => "optimal",
            VolumeState::Partial => "partially_degraded",
            VolumeState::Degraded => "degraded",
            VolumeState::Rebuilding => "rebuilding",
            VolumeState::Failed => "failed",
            VolumeState::Unknown => "unknown",
        }
    }
}

/// How a drive is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum DriveState {
    /// Serves in a volume.
    Online,
    /// Ready to take a lost one's place.
    Spare,
    /// In no volume.
    Unconfigured,
    /// Handed to the operating system as it is.
    Jbod,
    /// Being rebuilt: serves nobody yet.
    Rebuilding,
    /// Serves, and is being copied to another drive.
    Copying,
    /// Serves, and predicts its own failure.
    Predicted,
    /// The controller has given it up.
    Failed,
    /// In no volume, or a spare, and not fit to serve.
    Bad,
    /// Taken out of its volume.
    Offline,
    /// The volume wants it and it is not there.
    Missing,
    /// The controller tests, erases or locks it.
    Busy,
    /// The word was not understood.
    #[default]
    Unknown,
}

impl DriveState {
    /// As it leaves the agent.
    pub(super) fn word(self) -> &'static str {
        match self {
            DriveState::Online => "online",
            DriveState::Spare => "spare",
            DriveState::Unconfigured => "unconfigured",
            DriveState::Jbod => "jbod",
            DriveState::Rebuilding => "rebuilding",
            DriveState::Copying => "copying",
            DriveState::Predicted => "predicted_failure",
            DriveState::Failed => "failed",
            DriveState::Bad => "bad",
            DriveState::Offline => "offline",
            DriveState::Missing => "missing",
            DriveState::Busy => "busy",
            DriveState::Unknown => "unknown",
        }
    }

    /// What a drive in this state is to its volume.
    pub(super) fn member(self) -> MemberState {
        match self {
            DriveState::Online | DriveState::Jbod | DriveState::Copying | DriveState::Predicted => {
                MemberState::Active
            }
            DriveState::Spare => MemberState::Spare,
            DriveState::Rebuilding => MemberState::Rebuilding,
            DriveState::Failed | DriveState::Bad | DriveState::Offline => MemberState::Failed,
            DriveState::Missing | DriveState::Unconfigured => MemberState::Missing,
            DriveState::Busy | DriveState::Unknown => MemberState::Unknown,
        }
    }
}

/// How a battery or capacitor is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum PackState {
    /// Protects the cache.
    Good,
    /// Tests itself: no fault.
    Learning,
    /// Fills up: no fault.
    Charging,
    /// Protects less than it should, or soon will not.
    Degraded,
    /// Does not protect.
    Failed,
    /// The card was made for one and it is gone.
    Missing,
    /// There is none.
    Absent,
    /// The words were not understood.
    #[default]
    Unknown,
}

impl PackState {
    /// As it leaves the agent.
    pub(super) fn word(self) -> &'static str {
        match self {
            PackState::Good => "good",
            PackState::Learning => "learning",
            PackState::Charging => "charging",
            PackState::Degraded => "degraded",
            PackState::Failed => "failed",
            PackState::Missing => "missing",
            PackState::Absent => "absent",
            PackState::Unknown => "unknown",
        }
    }
}

/// How writes are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteCache {
    /// Held back, as configured.
    Back,
    /// Held back even if the battery is bad.
    Forced,
    /// Not held back, as configured.
    Through,
    /// Configured to be held back, and it is not.
    Fallen,
}

impl WriteCache {
    /// As it leaves the agent.
    pub(super) fn word(self) -> &'static str {
        match self {
            WriteCache::Back => "write_back",
            WriteCache::Forced => "always_write_back",
            WriteCache::Through => "write_through",
            WriteCache::Fallen => "fallen_to_write_through",
        }
    }

    /// From what is wanted and what is done.
    pub(super) fn of(wants_back: bool, forced: bool, is_back: bool) -> WriteCache {
        match (wants_back, forced, is_back) {
            (_, true, true) => WriteCache::Forced,
            (_, false, true) => WriteCache::Back,
            (true, _, false) => WriteCache::Fallen,
            (false, _, false) => WriteCache::Through,
        }
    }
}
