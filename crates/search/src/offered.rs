//! What nobody in particular is offered: the prices of an anonymous caller.
use chrono::NaiveDate;
use loadmaster_capacity::OwnSpace;
use loadmaster_kernel::{AirportCode, Weight};
use loadmaster_pricing::Product;

use super::{
    SearchError, SearchService, dto::Search, judge::Judge, model::Request, offer::Offer, prepared::Prepared,
    pricer::Pricer,
};

impl SearchService {
    /// Returns the first option of `GET /routes?sort=price` of an anonymous caller for each of these weights, of which the
    /// volume is not known; `None` if it cannot be booked, or has no price. What is found is not cached and counts as no
    /// search: nobody asked for it.
    pub async fn offers(
        &self,
        origin: AirportCode,
        destination: AirportCode,
        date: NaiveDate,
        weights: &[Weight],
    ) -> Result<Vec<Option<Offer>>, SearchError> {
        let max_stops = self.stops_near();
        let search = |weight: &Weight| Search {
            origin,
            destination,
            date,
            request: anonymous(*weight),
            max_stops,
            limit: 1,
            earliest: None,
        };
        let searches: Vec<Search> = weights.iter().map(search).collect();
        let Some(first) = searches.first() else { return Ok(Vec::new()) };
        // A flight may change meanwhile.
        for is_again in [false, true] {
            let question = first.question();
            let network_version = self.network_version(question.scope()).await?;
            let ways = self.ways(question, network_version, is_again).await?;
            let prepared = Prepared::new(ways, &self.0.reference);
            let spaces = self.0.capacity.spaces(prepared.versions(usize::MAX)).await?;
            let Some(spaces) = prepared.agree(spaces) else { continue };
            let (embargoes, rules) = (self.0.embargoes.in_force().await?, self.0.prices.in_force().await?);
            let now = self.0.clock.now();
            let offer = |search: &Search| {
                let request = &search.request;
                let freight = (request.special_handling_codes.as_slice(), request.product);
                let pricer = Pricer::of(request.space(), freight, rules.clone(), None, now);
                let judge = Judge::of(request, &embargoes, &self.0.reference, now).with_prices(Some(pricer));
                prepared.offer(search, &spaces, &judge)
            };
            return Ok(searches.iter().map(offer).collect());
        }
        let mut offers = Vec::with_capacity(searches.len());
        for search in &searches {
            offers.push(Offer::first(&self.read(search).await?));
        }
        Ok(offers)
    }
}

fn anonymous(weight: Weight) -> Request {
    Request {
        weight: Some(weight),
        volume: None,
        positions: None,
        dimensions: None,
        special_handling_codes: Vec::new(),
        product: Product::GENERAL,
        own: OwnSpace::default(),
        priced_for: Some(None),
    }
}
