//! Linear least squares by Householder's reflections in doubled precision.

use super::{
    student_t,
    wide::{Wide, power_of_two_below},
};

/// Terms of a model, the intercept included.
pub(crate) const MAX_TERMS: usize = 33;

/// What to fit.
pub(crate) struct Model<'a> {
    /// What is explained.
    pub(crate) response: &'a [f64],
    /// What explains it, each with a name and as long as the response.
    pub(crate) predictors: Vec<(&'a str, &'a [f64])>,
    /// Powers of a single predictor up to this; 1 for several.
    pub(crate) degree: u32,
    /// Whether the line may miss the origin.
    pub(crate) intercept: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    /// In the order of the model, the intercept first.
    pub(crate) terms: Vec<Term>,
    /// Predictors that are combinations of others; they are left out.
    pub(crate) collinear: Vec<String>,
    /// Rows.
    pub(crate) count: usize,
    /// Rows less terms.
    pub(crate) degrees_of_freedom: usize,
    /// `None` for a constant response.
    pub(crate) r_squared: Option<f64>,
    pub(crate) adjusted_r_squared: Option<f64>,
    /// `None` without degrees of freedom.
    pub(crate) residual_std_dev: Option<f64>,
    pub(crate) f_statistic: Option<f64>,
    pub(crate) f_p_value: Option<f64>,
    /// R of the decomposition, by columns, for intervals of predictions.
    triangle: Vec<Vec<Wide>>,
    wide: Vec<Wide>,
    powers: Option<(u32, bool)>,
}

/// One coefficient.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    /// `intercept`, a predictor, or a power of one such as `x^2`.
    pub(crate) name: String,
    pub(crate) estimate: f64,
    pub(crate) std_error: Option<f64>,
    /// Estimate over error.
    pub(crate) t: Option<f64>,
    /// Of the hypothesis that it is 0.
    pub(crate) p_value: Option<f64>,
}

impl Fit {
    /// The coefficient of that name.
    pub(crate) fn term(&self, name: &str) -> Option<&Term> {
        self.terms.iter().find(|term| term.name == name)
    }

    /// At a place of the single predictor: the expected value alone, in plain precision.
    pub(crate) fn predict_value(&self, x: f64) -> Option<f64> {
        let (_, intercept) = self.powers.filter(|_| self.collinear.is_empty())?;
        let sum = self.wide.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient.value());
        Some(if intercept { sum } else { sum * x })
    }

    /// At a place of the single predictor: the expected value, and half the width of the interval for one more observation.
    pub(crate) fn predict(&self, x: f64, share: f64) -> Option<(f64, Option<f64>)> {
        let (degree, intercept) = self.powers?;
        if !self.collinear.is_empty() {
            return None;
        }
        let row = powers(Wide::decimal(x), degree, intercept);
        let value = row.iter().zip(&self.wide).map(|(power, coefficient)| *power * *coefficient).sum::<Wide>().value();
        let leverage = forward(&self.triangle, &row).into_iter().map(|z| z * z).sum::<Wide>();
        let margin = self.residual_std_dev.zip(student_t::two_sided_quantile(share, self.degrees_of_freedom as f64));
        Some((value, margin.map(|(deviation, quantile)| quantile * deviation * (Wide::ONE + leverage).sqrt().value())))
    }
}

fn powers(x: Wide, degree: u32, intercept: bool) -> Vec<Wide> {
    let all = std::iter::successors(Some(Wide::ONE), |power| Some(*power * x)).take(degree as usize + 1);
    all.skip(usize::from(!intercept)).collect()
}

/// Fits a model; `None` if there are fewer rows than terms or nothing to fit.
pub(crate) fn fit(model: &Model<'_>) -> Option<Fit> {
    let n = model.response.len();
    let single = model.predictors.len() == 1;
    let mut columns: Vec<(String, Vec<Wide>)> = vec![];
    if model.intercept {
        columns.push(("intercept".into(), vec![Wide::ONE; n]));
    }
    for (name, values) in &model.predictors {
        let base: Vec<Wide> = values.iter().copied().map(Wide::decimal).collect();
        let mut power = base.clone();
        columns.push(((*name).into(), base.clone()));
        for exponent in 2..=if single { model.degree } else { 1 } {
            power = power.iter().zip(&base).map(|(power, x)| *power * *x).collect();
            columns.push((format!("{name}^{exponent}"), power.clone()));
        }
    }
    if columns.is_empty() || columns.len() > MAX_TERMS || n < columns.len() {
        return None;
    }
    // Columns that clients send are rounded, so what is left of a dependent one is noise of that size; powers are computed here.
    let tolerance = if single { 1e-26 } else { 1e-14 };
    let response: Vec<Wide> = model.response.iter().copied().map(Wide::decimal).collect();
    let mut solved = decompose(columns, response.clone(), tolerance)?;
    let p = solved.names.len();
    let degrees_of_freedom = n - p;
    let center = if model.intercept { response.iter().copied().sum::<Wide>() / Wide::count(n) } else { Wide::ZERO };
    let constant = model.intercept && model.response.iter().all(|y| *y == model.response[0]);
    let total = response.iter().map(|y| (*y - center) * (*y - center)).sum::<Wide>();
    let mut rest = solved.rest.iter().map(|r| *r * *r).sum::<Wide>();
    if constant || rest.value() <= total.value() * 1e-26 {
        // Exact but for rounding of the last of 32 digits.
        rest = Wide::ZERO;
    }
    if constant {
        for (name, coefficient) in solved.names.iter().zip(&mut solved.coefficients) {
            *coefficient = if name == "intercept" { response[0] } else { Wide::ZERO };
        }
    }
    let defined = !constant && !total.is_zero();
    let mean_square = (degrees_of_freedom > 0).then(|| rest / Wide::count(degrees_of_freedom));
    let deviation = mean_square.map(Wide::sqrt);
    let inverse_norms = inverse_row_norms(&solved.triangle);
    let df = degrees_of_freedom as f64;
    let terms = solved.names.iter().zip(&solved.coefficients).zip(&inverse_norms).map(|((name, estimate), norm)| {
        let error = deviation.map(|deviation| deviation * *norm);
        let t = error.map(|error| if error.is_zero() { f64::INFINITY } else { (*estimate / error).value() }).filter(|_| defined);
        Term {
            name: name.clone(),
            estimate: estimate.value(),
            std_error: error.map(Wide::value).filter(|error| error.is_finite()),
            t: t.filter(|t| t.is_finite()),
            p_value: t.and_then(|t| student_t::two_sided_p(t, df)),
        }
    });
    let explained = (total - rest).value().max(0.0);
    let steps = p - usize::from(model.intercept);
    let ratio = mean_square
        .filter(|_| defined && steps > 0)
        .map(|square| if square.is_zero() { f64::INFINITY } else { (Wide::exact(explained) / Wide::count(steps) / square).value() });
    let rows = n - usize::from(model.intercept);
    Some(Fit {
        terms: terms.collect(),
        count: n,
        degrees_of_freedom,
        r_squared: defined.then(|| (Wide::ONE - rest / total).value()).filter(|r| r.is_finite()),
        adjusted_r_squared: mean_square.filter(|_| defined && rows > 0).map(|square| (Wide::ONE - square / (total / Wide::count(rows))).value()),
        residual_std_dev: deviation.map(Wide::value).filter(|deviation| deviation.is_finite()),
        f_statistic: ratio.filter(|ratio| ratio.is_finite()),
        f_p_value: ratio.and_then(|ratio| student_t::f_p(ratio, steps as f64, df)),
        powers: single.then_some((model.degree, model.intercept)),
        wide: solved.coefficients,
        collinear: solved.dropped,
        triangle: solved.triangle,
    })
}

struct Solved {
    names: Vec<String>,
    dropped: Vec<String>,
    coefficients: Vec<Wide>,
    triangle: Vec<Vec<Wide>>,
    rest: Vec<Wide>,
}

/// Reflects one column after the other onto the axes, and the response along with them.
fn decompose(mut columns: Vec<(String, Vec<Wide>)>, mut response: Vec<Wide>, tolerance: f64) -> Option<Solved> {
    let mut solved = Solved { names: vec![], dropped: vec![], coefficients: vec![], triangle: vec![], rest: vec![] };
    let mut scales = vec![];
    let mut next = 0;
    while next < columns.len() {
        let (name, mut column) = std::mem::take(&mut columns[next]);
        next += 1;
        let rank = solved.names.len();
        let largest = column.iter().fold(0.0, |largest: f64, x| x.value().abs().max(largest));
        if !largest.is_finite() {
            return None;
        }
        let scale = power_of_two_below(largest);
        column.iter_mut().for_each(|x| *x = x.scaled(1.0 / scale));
        let whole = norm(&column);
        let length = norm(&column[rank..]);
        if rank >= column.len() || length.value() <= whole.value() * tolerance || whole.is_zero() {
            solved.dropped.push(name);
            continue;
        }
        let head = column[rank];
        let diagonal = if head.value() > 0.0 { -length } else { length };
        let mut mirror = column.split_off(rank);
        mirror[0] = head - diagonal;
        let square = mirror.iter().map(|x| *x * *x).sum::<Wide>();
        let reflect = |target: &mut [Wide]| {
            let product = mirror.iter().zip(target.iter()).map(|(m, t)| *m * *t).sum::<Wide>();
            let factor = product.scaled(2.0) / square;
            for (t, m) in target.iter_mut().zip(&mirror) {
                *t = *t - factor * *m;
            }
        };
        for (_, later) in &mut columns[next..] {
            reflect(&mut later[rank..]);
        }
        reflect(&mut response[rank..]);
        column.push(diagonal);
        solved.triangle.push(column);
        solved.names.push(name);
        scales.push(scale);
    }
    if solved.names.is_empty() {
        return None;
    }
    solved.rest = response.split_off(solved.names.len());
    // The columns were divided by their scales: undo it, so that the triangle is that of the columns themselves.
    for (column, scale) in solved.triangle.iter_mut().zip(&scales) {
        column.iter_mut().for_each(|x| *x = x.scaled(*scale));
    }
    solved.coefficients = backward(&solved.triangle, &response);
    Some(solved)
}

fn norm(values: &[Wide]) -> Wide {
    values.iter().map(|x| *x * *x).sum::<Wide>().sqrt()
}

/// R·x = b.
fn backward(triangle: &[Vec<Wide>], right: &[Wide]) -> Vec<Wide> {
    let p = triangle.len();
    let mut solution = right.to_vec();
    for i in (0..p).rev() {
        let known = (i + 1..p).map(|j| triangle[j][i] * solution[j]).sum::<Wide>();
        solution[i] = (solution[i] - known) / triangle[i][i];
    }
    solution
}

/// Rᵀ·z = b.
fn forward(triangle: &[Vec<Wide>], right: &[Wide]) -> Vec<Wide> {
    let mut solution: Vec<Wide> = vec![];
    for (column, b) in triangle.iter().zip(right) {
        let known = column.iter().zip(&solution).map(|(r, z)| *r * *z).sum::<Wide>();
        solution.push((*b - known) / column[solution.len()]);
    }
    solution
}

/// Lengths of the rows of R⁻¹: with the residual deviation they give the errors of the coefficients.
fn inverse_row_norms(triangle: &[Vec<Wide>]) -> Vec<Wide> {
    let p = triangle.len();
    let mut squares = vec![Wide::ZERO; p];
    for j in 0..p {
        let unit: Vec<Wide> = (0..p).map(|i| if i == j { Wide::ONE } else { Wide::ZERO }).collect();
        for (square, x) in squares.iter_mut().zip(backward(triangle, &unit)) {
            *square = *square + x * x;
        }
    }
    squares.into_iter().map(Wide::sqrt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::nist::{column, digits};

    fn polynomial(set: &str, degree: u32) -> Fit {
        fit(&Model { response: &column(set, "y"), predictors: vec![("x", &column(set, "x"))], degree, intercept: true }).expect("a fit")
    }

    fn check(set: &str, fit: &Fit, certified: &[(f64, f64)], r_squared: f64, residual: f64) {
        assert_eq!(fit.terms.len(), certified.len());
        for (term, (estimate, error)) in fit.terms.iter().zip(certified) {
            assert!(digits(Some(term.estimate), *estimate) >= 13.5, "{set}: {term:?}, certified {estimate}");
            assert!(digits(term.std_error, *error) >= 13.5, "{set}: {term:?}, certified error {error}");
        }
        assert!(digits(fit.r_squared, r_squared) >= 14.0, "{set}: {:?}", fit.r_squared);
        assert!(digits(fit.residual_std_dev, residual) >= 13.5, "{set}: {:?}", fit.residual_std_dev);
    }

    #[test]
    fn norris_is_right_to_thirteen_digits() {
        let certified = [(-0.262323073774029, 0.232818234301152), (1.00211681802045, 0.429796848199937e-3)];
        check("Norris", &polynomial("Norris", 1), &certified, 0.999993745883712, 0.884796396144373);
    }

    #[test]
    fn pontius_is_right_to_thirteen_digits() {
        let certified = [
            (0.673565789473684e-3, 0.107938612033077e-3),
            (0.732059160401003e-6, 0.157817399981659e-9),
            (-0.316081871345029e-14, 0.486652849992036e-16),
        ];
        check("Pontius", &polynomial("Pontius", 2), &certified, 0.999999900178537, 0.205177424076185e-3);
    }

    #[test]
    fn a_line_through_the_origin_is_right_to_thirteen_digits() {
        let (x, y): (Vec<f64>, Vec<f64>) = (60..=70).map(|x| (f64::from(x), f64::from(x + 70))).unzip();
        let fit = fit(&Model { response: &y, predictors: vec![("x", &x)], degree: 1, intercept: false }).expect("a fit");
        check("NoInt1", &fit, &[(2.07438016528926, 0.165289256198347e-1)], 0.999365492298663, 3.56753034006338);
        assert!(digits(fit.f_statistic, 15750.25) >= 13.0);
    }

    #[test]
    fn filip_is_right_to_thirteen_digits() {
        let certified = [
            (-1467.48961422980, 298.084530995537),
            (-2772.17959193342, 559.779865474950),
            (-2316.37108160893, 466.477572127796),
            (-1127.97394098372, 227.204274477751),
            (-354.478233703349, 71.6478660875927),
            (-75.1242017393757, 15.2897178747400),
            (-10.8753180355343, 2.23691159816033),
            (-1.06221498588947, 0.221624321934227),
            (-0.670191154593408e-1, 0.142363763154724e-1),
            (-0.246781078275479e-2, 0.535617408889821e-3),
            (-0.402962525080404e-4, 0.896632837373868e-5),
        ];
        check("Filip", &polynomial("Filip", 10), &certified, 0.996727416185620, 0.334801051324544e-2);
    }

    #[test]
    fn longley_is_right_to_thirteen_digits() {
        let names = ["x1", "x2", "x3", "x4", "x5", "x6"];
        let columns = names.map(|name| column("Longley", name));
        let predictors = names.iter().copied().zip(columns.iter().map(Vec::as_slice)).collect();
        let fit = fit(&Model { response: &column("Longley", "y"), predictors, degree: 1, intercept: true }).expect("a fit");
        let certified = [
            (-3482258.63459582, 890420.383607373),
            (15.0618722713733, 84.9149257747669),
            (-0.358191792925910e-1, 0.334910077722432e-1),
            (-2.02022980381683, 0.488399681651699),
            (-1.03322686717359, 0.214274163161675),
            (-0.511041056535807e-1, 0.226073200069370),
            (1829.15146461355, 455.478499142212),
        ];
        check("Longley", &fit, &certified, 0.995479004577296, 304.854073561965);
        assert!(digits(fit.f_statistic, 330.285339234588) >= 13.0);
        assert!(fit.collinear.is_empty());
    }

    #[test]
    fn the_wampler_sets_are_right_to_thirteen_digits() {
        let errors = [2152.32624678170, 2363.55173469681, 779.343524331583, 101.475507550350, 5.64566512170752, 0.112324854679312];
        for (set, factor, r_squared) in
            [("Wampler3", 1.0, 0.999995559025820), ("Wampler4", 100.0, 0.957478440825662), ("Wampler5", 10_000.0, 0.224668921574940e-2)]
        {
            let certified = errors.map(|error| (1.0, error * factor));
            check(set, &polynomial(set, 5), &certified, r_squared, 2360.14502379268 * factor);
        }
        check("Wampler1", &polynomial("Wampler1", 5), &[(1.0, 0.0); 6], 1.0, 0.0);
        let tenths = [1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001].map(|estimate| (estimate, 0.0));
        check("Wampler2", &polynomial("Wampler2", 5), &tenths, 1.0, 0.0);
    }

    #[test]
    fn a_predictor_that_follows_from_others_is_left_out() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 6.0], [0.1, 0.2, 0.3, 0.4, 0.6]);
        let fit = fit(&Model { response: &[1.0, 2.0, 4.0, 4.0, 7.0], predictors: vec![("a", &a), ("b", &b)], degree: 1, intercept: true });
        let fit = fit.expect("a fit");
        assert_eq!(fit.collinear, ["b"]);
        assert_eq!(fit.terms.len(), 2);
    }

    #[test]
    fn an_exact_line_has_no_error_and_a_constant_explains_nothing() {
        let x = [1.0, 2.0, 3.0, 4.0];
        let exact = fit(&Model { response: &[1.5, 2.0, 2.5, 3.0], predictors: vec![("x", &x)], degree: 1, intercept: true }).expect("a fit");
        let slope = exact.term("x").expect("a slope");
        assert_eq!((slope.estimate, slope.std_error, slope.p_value, exact.r_squared), (0.5, Some(0.0), Some(0.0), Some(1.0)));
        let flat = fit(&Model { response: &[0.1; 4], predictors: vec![("x", &x)], degree: 1, intercept: true }).expect("a fit");
        let slope = flat.term("x").expect("a slope");
        assert_eq!((slope.estimate, slope.p_value, flat.r_squared, flat.term("intercept").map(|t| t.estimate)), (0.0, None, None, Some(0.1)));
    }

    #[test]
    fn fewer_rows_than_terms_and_a_constant_predictor_are_no_panic() {
        assert!(fit(&Model { response: &[1.0], predictors: vec![("x", &[1.0])], degree: 1, intercept: true }).is_none());
        let fit = fit(&Model { response: &[1.0, 2.0, 3.0], predictors: vec![("x", &[2.0; 3])], degree: 1, intercept: true }).expect("a fit");
        assert_eq!(fit.collinear, ["x"]);
        assert!(fit.predict(3.0, 0.95).is_none());
    }
}
