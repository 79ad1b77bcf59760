//! Money: exact, in integers, rounded half away from zero (`docs/spec/invoices.md`).

use crate::error::{Error, Result};

/// Decimals are counted in millionths, since they have at most six digits after the point.
const MILLION: i128 = 1_000_000;
/// Amounts of money are counted in hundredths.
const CENT: i128 = MILLION / 100;
/// A decimal has at most 12 digits before its point.
const LIMIT: i128 = 1_000_000_000_000 * MILLION;

/// A decimal in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exact(pub(crate) i128);

impl Exact {
    pub(crate) const ZERO: Exact = Exact(0);
    pub(crate) const ONE: Exact = Exact(MILLION);

    /// Reads a decimal in its canonical text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.')?;
        let digits: i128 = fraction.parse().ok().filter(|_| fraction.len() <= 6)?;
        let fraction = digits * 10_i128.pow(6 - u32::try_from(fraction.len()).ok()?);
        let millionths = whole.trim_start_matches('-').parse::<i128>().ok()?.checked_mul(MILLION)? + fraction;
        Some(Exact(if whole.starts_with('-') { -millionths } else { millionths }))
    }

    /// The canonical text, with at least `least` digits after the point.
    pub(crate) fn text(self, least: usize) -> String {
        let magnitude = self.0.unsigned_abs();
        let fraction = format!("{:06}", magnitude % MILLION.unsigned_abs());
        let kept = fraction.trim_end_matches('0').len().max(least);
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{}.{}", magnitude / MILLION.unsigned_abs(), &fraction[..kept])
    }

    /// The sum, where it is still a decimal of this API; what it comes to on the way is nobody's
    /// concern, so that the order does not count.
    pub(crate) fn sum(amounts: impl Iterator<Item = Exact>) -> Result<Exact> {
        Self::within(amounts.map(|amount| amount.0).sum())
    }

    fn within(millionths: i128) -> Result<Exact> {
        if millionths.abs() < LIMIT {
            Ok(Exact(millionths))
        } else {
            Err(Error::invalid("amount", "has more than 12 digits before the point; split the invoice"))
        }
    }
}

/// A line's amount: quantity times unit price, in whole cents.
pub(crate) fn line_amount(quantity: Exact, unit_price: Exact) -> Result<Exact> {
    cents(quantity.0 * unit_price.0, MILLION)
}

/// One line, as far as it counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) amount: Exact,
    pub(crate) taxed: bool,
    pub(crate) taxed2: bool,
}

/// The percents of an invoice; a tax that is none comes to zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Percents {
    pub(crate) discount: Option<Exact>,
    pub(crate) tax: Option<Exact>,
    pub(crate) tax2: Option<Exact>,
}

/// What an invoice comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) amount: Exact,
    pub(crate) discount: Exact,
    pub(crate) tax: Exact,
    pub(crate) tax2: Exact,
}

/// The one computation of an invoice's totals. Taxes do not compound; each is rounded once.
pub(crate) fn totals(lines: &[Share], percents: Percents) -> Result<Totals> {
    let sum = |counts: fn(&Share) -> bool| Exact::sum(lines.iter().filter(|line| counts(line)).map(|line| line.amount));
    let hundred = 100 * MILLION;
    let discount = percents.discount.unwrap_or_default();
    let all = sum(|_| true)?;
    let discount_amount = cents(all.0 * discount.0, hundred)?;
    // The taxed sum is in whole cents, so that the product stays within 128 bits.
    let tax = |percent: Option<Exact>, taxed: Exact| {
        let percent = percent.unwrap_or_default();
        cents((taxed.0 / CENT) * (hundred - discount.0) * percent.0, hundred * hundred / CENT)
    };
    let tax_amount = tax(percents.tax, sum(|line| line.taxed)?)?;
    let tax2_amount = tax(percents.tax2, sum(|line| line.taxed2)?)?;
    let amount = Exact::within(all.0 - discount_amount.0 + tax_amount.0 + tax2_amount.0)?;
    Ok(Totals { amount, discount: discount_amount, tax: tax_amount, tax2: tax2_amount })
}

/// A quotient in whole cents, rounded half away from zero.
fn cents(numerator: i128, denominator: i128) -> Result<Exact> {
    let divisor = denominator * CENT;
    let half = if numerator < 0 { -divisor / 2 } else { divisor / 2 };
    Exact::within((numerator + half) / divisor * CENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    fn line(amount: &str, taxed: bool, taxed2: bool) -> Share {
        Share { amount: exact(amount), taxed, taxed2 }
    }

    #[test]
    fn the_checks_of_the_specification_come_out() {
        let percents = Percents { discount: Some(exact("10.0")), tax: Some(exact("5.0")), tax2: Some(exact("2.0")) };
        let both = totals(&[line("300.0", true, true)], percents).unwrap();
        assert_eq!(both.discount.text(1), "30.0");
        assert_eq!(both.tax.text(1), "13.5");
        assert_eq!(both.tax2.text(1), "5.4");
        assert_eq!(both.amount.text(1), "288.9");

        let percents = Percents { tax2: None, ..percents };
        let mixed = totals(&[line("100.0", true, false), line("200.0", false, false)], percents).unwrap();
        assert_eq!(mixed.tax.text(1), "4.5");
        assert_eq!(mixed.tax2, Exact::ZERO);
        assert_eq!(mixed.amount.text(1), "274.5");

        assert_eq!(line_amount(exact("3.0"), exact("0.485")).unwrap().text(1), "1.46");
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!(line_amount(exact("-3.0"), exact("0.485")).unwrap().text(1), "-1.46");
        assert_eq!(line_amount(exact("1.0"), exact("0.005")).unwrap().text(1), "0.01");
        assert_eq!(line_amount(exact("1.0"), exact("-0.004999")).unwrap().text(1), "0.0");
    }

    #[test]
    fn the_largest_amounts_are_computed_and_larger_ones_refused() {
        let most = "999999999999.99";
        let percents = Percents { discount: Some(exact("100.0")), tax: Some(exact("99.999999")), tax2: None };
        assert_eq!(totals(&[line(most, true, true)], percents).unwrap().amount, Exact::ZERO);
        let taxed = Percents { discount: None, ..percents };
        assert!(totals(&[line(most, true, true)], taxed).is_err());
        assert!(totals(&[line(most, false, false), line("0.01", false, false)], Percents::default()).is_err());
        // Beyond the largest on the way, and back.
        let back = [line(most, false, false), line("5.0", false, false), line("-5.0", false, false)];
        assert_eq!(totals(&back, Percents::default()).unwrap().amount, exact(most));
        assert!(line_amount(exact("999999999999.0"), exact("2.0")).is_err());
        assert!(line_amount(exact("999999999999.999999"), exact("999999999999.999999")).is_err());
    }

    #[test]
    fn decimals_keep_their_text() {
        for text in ["0.0", "2400.0", "-253.44", "0.000001", "999999999999.999999", "-0.5"] {
            assert_eq!(exact(text).text(1), text);
        }
        assert_eq!(exact("3.0").text(2), "3.00");
    }
}
