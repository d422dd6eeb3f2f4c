//! The events in the invented organizations.

use std::ops::Range;

use scout_metrics_core::Organization;

use super::keyframes::Keyframe;
use crate::sample::POLICIES;

/// The length of the history: 90 days.
pub(super) const HISTORY_HOURS: u32 = 90 * DAY;

/// The hours before `now` in which nothing was recorded, as if the program that records had been down.
pub(super) const GAP_HOURS: Range<u64> = 44 * 24..47 * 24;

const DAY: u32 = 24;

const MORE_POLICIES: [(&str, &str); 6] = [
    POLICIES[0],
    POLICIES[1],
    POLICIES[2],
    POLICIES[3],
    ("no-high-profile", "No high-profile vulnerabilities"),
    ("no-outdated-base-images", "No outdated base images"),
];

/// The story of an organization.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) organization: &'static str,
    /// How many vulnerabilities come and go after `now`, beside an eighth of those that are there.
    pub(super) unrest: u64,
    /// Since how many hours before `now` the organization has not answered.
    pub(super) silent_hours: Option<u32>,
    pub(super) policies: &'static [(&'static str, &'static str)],
    pub(super) streams: &'static [StreamStory],
}

/// The story of a stream, which exists from the first to the last keyframe of its counts.
#[derive(Debug)]
pub(super) struct StreamStory {
    pub(super) name: &'static str,
    /// Counts from critical to unspecified.
    pub(super) counts: &'static [Keyframe<5>],
    /// Compliant and evaluated images, for each policy of the organization.
    pub(super) policies: &'static [&'static [Keyframe<2>]],
    /// A severity with an unknown name: the hours since when, the name and the count.
    pub(super) unrecognized: Option<(u32, &'static str, u64)>,
}

/// Returns the story of an organization, which is that of `acme` for one that has none.
pub(super) fn of(organization: &Organization) -> &'static Story {
    let named = STORIES
        .iter()
        .find(|story| story.organization == organization.as_str());
    named.unwrap_or(&STORIES[0])
}

pub(super) const STORIES: &[Story] = &[ACME, BRIGHTSIDE, MEGACORP, NIMBUS, PHOENIX];

/// A release brings vulnerabilities into production, and a fix removes them a week later. A policy begins to fail.
const ACME: Story = Story {
    organization: "acme",
    unrest: 3,
    silent_hours: None,
    policies: &POLICIES,
    streams: &[
        StreamStory {
            name: "latest-indexed",
            counts: &[
                (90 * DAY, [7, 28, 118, 270, 4]),
                (14 * DAY, [8, 31, 122, 290, 5]),
                (13 * DAY, [17, 58, 160, 340, 6]),
                (6 * DAY, [16, 55, 155, 338, 6]),
                (5 * DAY, [12, 41, 133, 312, 6]),
                (0, [12, 40, 131, 310, 6]),
            ],
            policies: &[
                &[(0, [38, 41])],
                &[(0, [41, 41])],
                &[
                    (14 * DAY, [36, 41]),
                    (13 * DAY, [22, 41]),
                    (5 * DAY, [27, 41]),
                    (0, [29, 41]),
                ],
                &[(0, [0, 0])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "production",
            counts: &[
                (90 * DAY, [1, 6, 14, 71, 0]),
                (71 * DAY, [1, 5, 12, 70, 0]),
                (70 * DAY, [0, 3, 9, 66, 0]),
                (12 * DAY, [0, 3, 7, 63, 0]),
                (12 * DAY, [4, 19, 31, 88, 0]),
                (5 * DAY, [4, 21, 33, 90, 0]),
                (5 * DAY, [0, 3, 6, 63, 0]),
                (0, [0, 3, 6, 63, 0]),
            ],
            policies: &[
                &[(0, [12, 12])],
                &[(0, [12, 12])],
                &[
                    (12 * DAY, [12, 12]),
                    (12 * DAY, [8, 12]),
                    (5 * DAY, [8, 12]),
                    (5 * DAY, [12, 12]),
                ],
                &[(0, [12, 12])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "staging",
            counts: &[
                (90 * DAY, [2, 9, 30, 84, 1]),
                (14 * DAY, [1, 8, 28, 82, 1]),
                (14 * DAY, [6, 25, 52, 104, 1]),
                (7 * DAY, [6, 24, 51, 103, 1]),
                (6 * DAY, [2, 11, 38, 92, 1]),
                (9, [2, 12, 39, 93, 1]),
                (9, [5, 17, 44, 98, 1]),
                (0, [5, 17, 44, 98, 1]),
            ],
            policies: &[
                &[(9, [8, 9]), (9, [7, 9])],
                &[(0, [9, 9])],
                &[(14 * DAY, [9, 9]), (14 * DAY, [5, 9]), (6 * DAY, [8, 9])],
                &[(3 * DAY, [9, 9]), (3 * DAY, [4, 9]), (2 * DAY, [0, 9])],
            ],
            unrecognized: None,
        },
    ],
};

/// Small and clean, all the time.
const BRIGHTSIDE: Story = Story {
    organization: "brightside",
    unrest: 0,
    silent_hours: None,
    policies: &POLICIES,
    streams: &[
        StreamStory {
            name: "latest-indexed",
            counts: &[
                (90 * DAY, [0, 1, 5, 14, 0]),
                (60 * DAY, [0, 0, 4, 12, 0]),
                (0, [0, 0, 2, 11, 0]),
            ],
            policies: &[
                &[(0, [6, 6])],
                &[(0, [6, 6])],
                &[(60 * DAY, [5, 6]), (60 * DAY, [6, 6])],
                &[(0, [6, 6])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "production",
            counts: &[(90 * DAY, [0, 0, 3, 9, 0]), (0, [0, 0, 1, 7, 0])],
            policies: &[
                &[(0, [4, 4])],
                &[(0, [4, 4])],
                &[(0, [4, 4])],
                &[(0, [4, 4])],
            ],
            unrecognized: None,
        },
    ],
};

/// Large, and a little worse every week. A severity with a new name appears, and so does a stream.
const MEGACORP: Story = Story {
    organization: "megacorp",
    unrest: 2,
    silent_hours: None,
    policies: &MORE_POLICIES,
    streams: &[
        StreamStory {
            name: "latest-indexed",
            counts: &[
                (90 * DAY, [148, 802, 2710, 6120, 88]),
                (0, [214, 1106, 3391, 7404, 131]),
            ],
            policies: &[
                &[(90 * DAY, [361, 412]), (0, [377, 448])],
                &[(90 * DAY, [409, 412]), (0, [441, 448])],
                &[(90 * DAY, [201, 412]), (0, [163, 448])],
                &[(90 * DAY, [97, 412]), (0, [180, 448])],
                &[(90 * DAY, [402, 412]), (0, [430, 448])],
                &[(90 * DAY, [288, 412]), (0, [251, 448])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "checkout",
            counts: &[
                (90 * DAY, [9, 41, 160, 402, 3]),
                (21 * DAY, [12, 55, 181, 430, 4]),
                (0, [18, 77, 214, 466, 6]),
            ],
            policies: &[
                &[(0, [21, 24])],
                &[(0, [24, 24])],
                &[(90 * DAY, [14, 24]), (0, [9, 24])],
                &[(0, [11, 24])],
                &[(30 * DAY, [24, 24]), (30 * DAY, [22, 24])],
                &[(0, [13, 24])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "data-lake",
            counts: &[
                (90 * DAY, [31, 122, 388, 611, 14]),
                (0, [38, 149, 421, 690, 17]),
            ],
            policies: &[
                &[(0, [9, 19])],
                &[(0, [18, 19])],
                &[(0, [2, 19])],
                &[(0, [0, 19])],
                &[(0, [17, 19])],
                &[(90 * DAY, [8, 19]), (0, [5, 19])],
            ],
            unrecognized: Some((6 * DAY, "BLOCKER", 3)),
        },
        StreamStory {
            name: "fraud-detection-canary",
            counts: &[
                (17 * DAY, [0, 2, 9, 21, 0]),
                (8 * DAY, [1, 6, 15, 33, 0]),
                (0, [3, 14, 26, 40, 1]),
            ],
            policies: &[
                &[(17 * DAY, [2, 2]), (0, [5, 5])],
                &[(17 * DAY, [2, 2]), (0, [5, 5])],
                &[(17 * DAY, [2, 2]), (0, [2, 5])],
                &[(17 * DAY, [2, 2]), (0, [5, 5])],
                &[(17 * DAY, [2, 2]), (0, [5, 5])],
                &[(17 * DAY, [2, 2]), (0, [4, 5])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "identity",
            counts: &[
                (90 * DAY, [2, 11, 44, 120, 0]),
                (34 * DAY, [3, 14, 52, 131, 0]),
                (33 * DAY, [0, 4, 31, 104, 0]),
                (0, [1, 7, 36, 111, 0]),
            ],
            policies: &[
                &[(0, [16, 16])],
                &[(0, [16, 16])],
                &[(33 * DAY, [9, 16]), (33 * DAY, [15, 16])],
                &[(90 * DAY, [3, 16]), (0, [14, 16])],
                &[(0, [16, 16])],
                &[(0, [12, 16])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "mainframe-bridge",
            counts: &[
                (90 * DAY, [61, 240, 512, 803, 40]),
                (0, [67, 262, 540, 822, 43]),
            ],
            policies: &[
                &[(0, [0, 7])],
                &[(0, [6, 7])],
                &[(0, [0, 7])],
                &[(0, [0, 7])],
                &[(0, [3, 7])],
                &[(0, [0, 7])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "mobile-backend",
            counts: &[(90 * DAY, [4, 22, 81, 230, 1]), (0, [6, 31, 96, 251, 2])],
            policies: &[
                &[(0, [18, 20])],
                &[(0, [20, 20])],
                &[(90 * DAY, [15, 20]), (0, [12, 20])],
                &[(0, [14, 20])],
                &[(0, [20, 20])],
                &[(0, [15, 20])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "payments-settlement-reconciliation-batch-eu-central-1",
            counts: &[(90 * DAY, [3, 15, 40, 90, 0]), (0, [4, 19, 47, 102, 0])],
            policies: &[
                &[(0, [6, 6])],
                &[(0, [6, 6])],
                &[(0, [4, 6])],
                &[(0, [5, 6])],
                &[(0, [6, 6])],
                &[(0, [4, 6])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "search",
            counts: &[
                (90 * DAY, [7, 30, 101, 260, 2]),
                (4, [8, 34, 108, 271, 2]),
                (4, [11, 46, 121, 288, 2]),
                (0, [11, 46, 121, 288, 2]),
            ],
            policies: &[
                &[(0, [13, 14])],
                &[(0, [14, 14])],
                &[(4, [9, 14]), (4, [6, 14])],
                &[(0, [10, 14])],
                &[(4, [14, 14]), (4, [12, 14])],
                &[(0, [8, 14])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "crédit-scoring",
            counts: &[(90 * DAY, [5, 18, 60, 140, 0]), (0, [5, 20, 66, 149, 0])],
            policies: &[
                &[(0, [8, 9])],
                &[(0, [9, 9])],
                &[(0, [5, 9])],
                &[(0, [6, 9])],
                &[(0, [9, 9])],
                &[(0, [6, 9])],
            ],
            unrecognized: None,
        },
    ],
};

/// Has not answered for seven hours.
const NIMBUS: Story = Story {
    organization: "nimbus",
    unrest: 0,
    silent_hours: Some(7),
    policies: &POLICIES,
    streams: &[
        StreamStory {
            name: "latest-indexed",
            counts: &[(90 * DAY, [3, 12, 51, 133, 2]), (0, [4, 15, 55, 140, 2])],
            policies: &[
                &[(0, [14, 16])],
                &[(0, [16, 16])],
                &[(0, [11, 16])],
                &[(0, [16, 16])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "edge",
            counts: &[(90 * DAY, [1, 4, 17, 48, 0]), (0, [2, 6, 19, 50, 0])],
            policies: &[
                &[(0, [5, 5])],
                &[(0, [5, 5])],
                &[(0, [4, 5])],
                &[(0, [5, 5])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "production",
            counts: &[(90 * DAY, [0, 2, 11, 39, 0]), (0, [0, 2, 12, 40, 0])],
            policies: &[
                &[(0, [7, 7])],
                &[(0, [7, 7])],
                &[(0, [7, 7])],
                &[(0, [7, 7])],
            ],
            unrecognized: None,
        },
    ],
};

/// Cleans up: every week there is less, and a stream is switched off.
const PHOENIX: Story = Story {
    organization: "phoenix",
    unrest: 1,
    silent_hours: None,
    policies: &POLICIES,
    streams: &[
        StreamStory {
            name: "latest-indexed",
            counts: &[
                (90 * DAY, [74, 310, 820, 1404, 22]),
                (60 * DAY, [66, 281, 770, 1330, 20]),
                (0, [11, 74, 402, 960, 9]),
            ],
            policies: &[
                &[(90 * DAY, [20, 58]), (0, [51, 58])],
                &[(90 * DAY, [55, 58]), (0, [58, 58])],
                &[(90 * DAY, [4, 58]), (0, [37, 58])],
                &[(90 * DAY, [0, 58]), (0, [44, 58])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "legacy-shop",
            counts: &[
                (90 * DAY, [29, 101, 222, 310, 8]),
                (30 * DAY, [27, 97, 219, 308, 8]),
            ],
            policies: &[
                &[(0, [0, 4])],
                &[(0, [3, 4])],
                &[(0, [0, 4])],
                &[(0, [0, 4])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "production",
            counts: &[
                (90 * DAY, [22, 88, 240, 410, 4]),
                (58 * DAY, [20, 80, 222, 399, 4]),
                (35 * DAY, [9, 48, 160, 330, 3]),
                (12 * DAY, [3, 22, 110, 280, 2]),
                (0, [1, 11, 88, 251, 2]),
            ],
            policies: &[
                &[(90 * DAY, [7, 18]), (0, [18, 18])],
                &[(0, [18, 18])],
                &[(90 * DAY, [1, 18]), (0, [14, 18])],
                &[(90 * DAY, [0, 18]), (0, [16, 18])],
            ],
            unrecognized: None,
        },
        StreamStory {
            name: "staging",
            counts: &[
                (90 * DAY, [23, 91, 244, 420, 4]),
                (62 * DAY, [19, 77, 218, 390, 4]),
                (0, [0, 8, 71, 228, 1]),
            ],
            policies: &[
                &[(90 * DAY, [8, 18]), (0, [18, 18])],
                &[(0, [18, 18])],
                &[(90 * DAY, [2, 18]), (0, [16, 18])],
                &[(90 * DAY, [0, 18]), (0, [18, 18])],
            ],
            unrecognized: None,
        },
    ],
};
