//! Past snapshots, read back from the servers that keep what they scrape.

mod agreement;
mod filled;
mod scraped;
mod servers;
