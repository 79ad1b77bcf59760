//! When generated records were made: at office hours of the years from 2011.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::random::Random;

/// Seconds of a working day.
pub(super) const DAY: u64 = 10 * 60 * 60;
/// Seconds of a working week.
pub(super) const WEEK: u64 = 5 * DAY;
/// The first day, a Monday.
const FIRST: NaiveDate = NaiveDate::from_ymd_opt(2011, 1, 3).unwrap();
/// When the office opens, in UTC.
const OPENS: NaiveTime = NaiveTime::from_hms_opt(8, 0, 0).unwrap();

/// The moment after `worked` seconds of work since the first day.
pub(super) fn moment(worked: u64) -> DateTime<Utc> {
    let (weeks, rest) = (worked / WEEK, worked % WEEK);
    let opened = FIRST.and_time(OPENS).and_utc();
    let passed = weeks * 7 * 86_400 + rest / DAY * 86_400 + rest % DAY;
    opened + TimeDelta::seconds(passed as i64)
}

/// The seconds of work at which one of many events happens. The events spread evenly over a span, in their order, each
/// at a random point between its neighbours.
pub(super) fn spread(random: &mut Random, event: u64, events: u64, from: u64, span: u64) -> u64 {
    let at = u128::from(span) * u128::from(event) / u128::from(events);
    from + at as u64 + random.below((span / events).max(1))
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, Timelike, Weekday};

    use super::*;
    use crate::generate::random::Topic;

    #[test]
    fn work_is_done_at_office_hours_of_weekdays() {
        assert_eq!(moment(0).to_rfc3339(), "2011-01-03T08:00:00+00:00");
        assert_eq!(moment(DAY - 1).to_rfc3339(), "2011-01-03T17:59:59+00:00");
        assert_eq!(moment(DAY).to_rfc3339(), "2011-01-04T08:00:00+00:00");
        assert_eq!(moment(WEEK).to_rfc3339(), "2011-01-10T08:00:00+00:00");
        for at in (0..60 * WEEK).step_by(7_777) {
            let moment = moment(at);
            assert!((8..18).contains(&moment.hour()), "{moment}");
            assert!(!matches!(moment.weekday(), Weekday::Sat | Weekday::Sun), "{moment}");
        }
    }

    #[test]
    fn events_are_spread_in_order_over_the_span() {
        let mut random = Random::new(1, Topic::Client, 0);
        for events in [1, 7, 1_000, 2_000] {
            let all: Vec<u64> = (0..events).map(|event| spread(&mut random, event, events, 10, 1_000)).collect();
            assert!(all.is_sorted() && all.iter().all(|at| (10..1_010).contains(at)), "{all:?}");
            let middle = all[all.len() / 2];
            assert!(events == 1 || (300..=700).contains(&middle), "{events} events have {middle} in the middle");
        }
        assert_eq!(spread(&mut random, u64::MAX - 1, u64::MAX, 0, WEEK), WEEK - 1);
    }
}
