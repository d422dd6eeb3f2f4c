//! How often does a collection through each bridge ask for memory?

#[path = "../bridges/hosts.rs"]
mod hosts;

use allocation_counter::measure;

use hosts::{hosts, snapshot};

/// The allocations of a collection, however many samples there are.
const ONCE: u64 = 100;

/// Allocations of a library for each sample: prometheus owns names and values, of which there are up to four.
const PER_SAMPLE: [(&str, f64); 4] = [
    ("prometheus-client", 0.0),
    ("prometheus", 9.0),
    ("opentelemetry", 0.0),
    ("metrics", 0.0),
];

#[test]
fn a_collection_allocates_no_more_for_a_sample_than_the_library_needs() {
    for samples in [236, 20_000] {
        let snapshot = snapshot(samples);
        for ((name, mut collect), (same_name, per_sample)) in
            hosts(&snapshot).into_iter().zip(PER_SAMPLE)
        {
            assert_eq!(name, same_name);
            // The first collection makes what the next ones use.
            assert_eq!(collect(), samples);
            let mut collected = 0;
            let info = measure(|| collected = collect());
            assert_eq!(collected, samples);
            let allocations = info.count_total;
            println!("{name}, {samples} samples: {allocations} allocations");
            let most = ONCE + (per_sample * samples as f64) as u64;
            assert!(
                allocations <= most,
                "{name}, {samples} samples: {allocations}"
            );
        }
    }
}
