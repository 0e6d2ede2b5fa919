//! What operations do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    #[default]
    Book,
    Depart,
    Arrive,
    Deliver,
    /// The last step is taken back.
    Correct,
    Cancel,
    Amend,
    Reroute,
    FlightDepart,
    FlightArrive,
    FlightCancel,
    Retime,
    Resize,
    /// An earlier cut-off.
    Close,
    Offload,
    Import,
    /// A timetable that is only to be checked.
    DryRun,
    Hold,
    Reserve,
    HoldAmend,
    Extend,
    Release,
    /// A hold becomes a booking.
    Commit,
    Join,
    Leave,
    Prioritize,
    MoveEntry,
    /// The offer of an entry becomes a booking.
    BookOffer,
    Decline,
}

/// What the answer to an operation shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Booking,
    Flight,
    Hold,
    Entry,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Book => "create",
            Self::Depart => "depart",
            Self::Arrive => "arrive",
            Self::Deliver => "deliver",
            Self::Correct => "correct",
            Self::Cancel => "cancel",
            Self::Amend => "amend",
            Self::Reroute => "reroute",
            Self::FlightDepart => "flight depart",
            Self::FlightArrive => "flight arrive",
            Self::FlightCancel => "flight cancel",
            Self::Retime => "flight retime",
            Self::Resize => "flight capacity",
            Self::Close => "flight close",
            Self::Offload => "flight offload",
            Self::Import => "import",
            Self::DryRun => "import dry run",
            Self::Hold => "hold",
            Self::Reserve => "hold reserve",
            Self::HoldAmend => "hold amend",
            Self::Extend => "hold extend",
            Self::Release => "hold release",
            Self::Commit => "hold commit",
            Self::Join => "waitlist join",
            Self::Leave => "waitlist cancel",
            Self::Prioritize => "waitlist priority",
            Self::MoveEntry => "waitlist move",
            Self::BookOffer => "waitlist book",
            Self::Decline => "waitlist decline",
        }
    }

    pub const fn subject(self) -> Subject {
        match self {
            Self::Book
            | Self::Depart
            | Self::Arrive
            | Self::Deliver
            | Self::Correct
            | Self::Cancel
            | Self::Amend
            | Self::Reroute
            | Self::Commit
            | Self::BookOffer => Subject::Booking,
            Self::FlightDepart
            | Self::FlightArrive
            | Self::FlightCancel
            | Self::Retime
            | Self::Resize
            | Self::Close
            | Self::Offload
            | Self::Import
            | Self::DryRun => Subject::Flight,
            Self::Hold | Self::Reserve | Self::HoldAmend | Self::Extend | Self::Release => Subject::Hold,
            Self::Join | Self::Leave | Self::Prioritize | Self::MoveEntry | Self::Decline => Subject::Entry,
        }
    }

    /// Whether it changes flights, and bookings only through them.
    pub fn is_of_flights(self) -> bool {
        self.subject() == Subject::Flight
    }

    /// Whether it changes a hold or an entry of the waitlist, and makes a booking at most.
    pub fn is_of_holds(self) -> bool {
        matches!(self.subject(), Subject::Hold | Subject::Entry) || matches!(self, Self::Commit | Self::BookOffer)
    }

    /// Whether a new booking is its effect.
    pub const fn makes_booking(self) -> bool {
        matches!(self, Self::Book | Self::Commit | Self::BookOffer)
    }

    /// The event that it adds to a booking's history.
    pub const fn event(self) -> &'static str {
        match self {
            Self::Book | Self::Commit | Self::BookOffer => "BOOKED",
            Self::Depart | Self::FlightDepart => "DEPARTED",
            Self::Arrive | Self::FlightArrive => "ARRIVED",
            Self::Deliver => "DELIVERED",
            Self::Correct => "CORRECTED",
            Self::Cancel => "CANCELLED",
            // A reroute changes the description too; the flights may stay the same.
            Self::Amend | Self::Reroute => "AMENDED",
            Self::FlightCancel => "FLIGHT_CANCELLED",
            Self::Retime => "FLIGHT_RETIMED",
            Self::Offload => "OFFLOADED",
            Self::Resize
            | Self::Close
            | Self::Import
            | Self::DryRun
            | Self::Hold
            | Self::Reserve
            | Self::HoldAmend
            | Self::Extend
            | Self::Release
            | Self::Join
            | Self::Leave
            | Self::Prioritize
            | Self::MoveEntry
            | Self::Decline => "",
        }
    }
}
