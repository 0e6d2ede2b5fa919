use std::collections::HashMap;

use loadmaster_kernel::UserId;

use super::order::Order;

/// Number of orders of a suspect that are served apart.
const SERVED_APART: u32 = 32;
/// Most suspects; one more replaces them all.
const MOST: usize = 256;

/// Callers whose order has failed in a way that fails a whole batch. Their next orders are tried apart, so that an order that
/// is repeated again and again does not take every batch along.
#[derive(Debug, Default)]
pub struct Suspects(HashMap<UserId, u32>);

impl Suspects {
    pub fn add(&mut self, caller: UserId) {
        if self.0.len() >= MOST && !self.0.contains_key(&caller) {
            self.0.clear();
        }
        self.0.insert(caller, SERVED_APART);
    }

    /// Returns whether the order is to be tried apart, and counts a new one.
    pub fn concerns<T>(&mut self, order: &Order<T>) -> bool {
        let caller = order.operation.needs.caller;
        let Some(left) = self.0.get_mut(&caller) else { return false };
        if !order.is_repeated {
            *left -= 1;
            if *left == 0 {
                self.0.remove(&caller);
            }
        }
        true
    }
}
