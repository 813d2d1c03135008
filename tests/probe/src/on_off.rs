//! Sources that are on and off by turns. No I/O; the time is an argument.

use std::str::FromStr;

use rand::{SeedableRng, rngs::ChaCha8Rng};
use rand_distr::{Distribution, Exp, LogNormal, Pareto};

use crate::pace::Pace;

/// The shortest and the longest time, in seconds, that a distribution may have as its constant, mean, minimum or median.
/// A sender's timer ticks once a millisecond.
const SHORTEST_S: f64 = 0.001;
const LONGEST_S: f64 = 3_600.0;

/// What is drawn is at least this: the periods that go by in a tick are few.
const SHORTEST_DRAWN_S: f64 = 1e-6;

/// How many times of one source that it was on are told.
const MOST_TOLD: usize = 1_024;

/// How long a source stays on, or off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Durations {
    /// Always so many seconds.
    Constant(f64),
    /// By the mean.
    Exponential(Exp<f64>),
    /// By shape and minimum.
    Pareto(Pareto<f64>),
    /// By mean and standard deviation of the logarithm of the seconds.
    LogNormal(LogNormal<f64>),
}

impl FromStr for Durations {
    type Err = String;

    /// `constant:S`, `exponential:MEAN`, `pareto:SHAPE,MINIMUM` or `lognormal:MU,SIGMA`, in seconds.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, values) = text.split_once(':').unwrap_or((text, ""));
        let numbers: Result<Vec<f64>, _> = values.split(',').map(f64::from_str).collect();
        match (name, numbers.as_deref()) {
            ("constant", Ok(&[seconds])) => Ok(Self::Constant(duration("S", seconds)?)),
            ("exponential", Ok(&[mean])) => Exp::new(duration("MEAN", mean)?.recip())
                .map(Self::Exponential)
                .map_err(|error| error.to_string()),
            ("pareto", Ok(&[shape, minimum])) => {
                Pareto::new(duration("MINIMUM", minimum)?, positive("SHAPE", shape)?)
                    .map(Self::Pareto)
                    .map_err(|error| error.to_string())
            }
            ("lognormal", Ok(&[mu, sigma])) => {
                duration("the median, e^MU,", mu.exp())?;
                LogNormal::new(mu, positive("SIGMA", sigma)?)
                    .map(Self::LogNormal)
                    .map_err(|error| error.to_string())
            }
            _ => Err(
                "not constant:S, exponential:MEAN, pareto:SHAPE,MINIMUM or lognormal:MU,SIGMA"
                    .to_owned(),
            ),
        }
    }
}

fn duration(name: &str, seconds: f64) -> Result<f64, String> {
    if (SHORTEST_S..=LONGEST_S).contains(&seconds) {
        return Ok(seconds);
    }
    Err(format!(
        "{name} is {seconds}, not between {SHORTEST_S} and {LONGEST_S} s"
    ))
}

fn positive(name: &str, value: f64) -> Result<f64, String> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(format!("{name} is {value}, not a number above 0"))
}

impl Durations {
    /// Nanoseconds, up to an hour's.
    fn draw_ns(&self, random: &mut ChaCha8Rng) -> u64 {
        let seconds = match self {
            Self::Constant(seconds) => *seconds,
            Self::Exponential(durations) => durations.sample(random),
            Self::Pareto(durations) => durations.sample(random),
            Self::LogNormal(durations) => durations.sample(random),
        };
        (seconds.clamp(SHORTEST_DRAWN_S, LONGEST_S) * 1e9) as u64
    }
}

/// One flow with times of its own. It starts on.
#[derive(Debug)]
pub(crate) struct Source {
    on: Durations,
    off: Durations,
    random: ChaCha8Rng,
    pace: Pace,
    is_on: bool,
    /// Since when it is on, or off.
    since_ns: u64,
    until_ns: u64,
    /// How long it had been on before that.
    on_for_ns: u64,
    starts: Vec<(u64, u64)>,
}

impl Source {
    /// The flow `flow`, whose `pace` begins at 0: it goes by the time that the source has been on. The same `seed` and
    /// `flow` make the same times.
    pub(crate) fn new(
        on: Durations,
        off: Durations,
        seed: u64,
        flow: u64,
        pace: Pace,
        now_ns: u64,
    ) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(flow);
        let until_ns = now_ns + on.draw_ns(&mut random);
        Self {
            on,
            off,
            random,
            pace,
            is_on: true,
            since_ns: now_ns,
            until_ns,
            on_for_ns: 0,
            starts: vec![(now_ns, 0)],
        }
    }

    /// As [`Pace::due`]. What could not leave while the source was on leaves when it is off.
    pub(crate) fn due(&mut self, now_ns: u64, tick_ns: u64) -> u64 {
        let on_for_ns = self.on_for_ns(now_ns);
        self.pace.due(on_for_ns, tick_ns)
    }

    /// As [`Pace::asked`].
    pub(crate) fn asked(&self) -> u64 {
        self.pace.asked()
    }

    /// When it went on, and the sequence number of the packet that was next: the first 1,024 times.
    pub(crate) fn starts(&self) -> &[(u64, u64)] {
        &self.starts
    }

    /// How long it has been on by `now_ns`.
    fn on_for_ns(&mut self, now_ns: u64) -> u64 {
        while self.until_ns <= now_ns {
            self.turn();
        }
        match self.is_on {
            true => self.on_for_ns + (now_ns - self.since_ns),
            false => self.on_for_ns,
        }
    }

    fn turn(&mut self) {
        if self.is_on {
            self.on_for_ns += self.until_ns - self.since_ns;
        } else if self.starts.len() < MOST_TOLD {
            self.starts
                .push((self.until_ns, self.pace.share(self.on_for_ns)));
        }
        self.is_on = !self.is_on;
        self.since_ns = self.until_ns;
        let durations = if self.is_on { self.on } else { self.off };
        self.until_ns += durations.draw_ns(&mut self.random);
    }
}

#[cfg(test)]
mod tests;
