//! Nodes that are wanted, and may be under way.

use std::collections::BTreeMap;
use std::sync::Arc;

use duramen_store::StoreError;
use futures_util::FutureExt;
use futures_util::future::{Shared, try_join_all};

use crate::fetch::{self, Request};
use crate::node::Node;
use crate::nodes::{self, Nodes, Shape};
use crate::{IndexError, Pointer};

/// Nodes of one level that are wanted together.
///
/// Whoever drops it gives up on them; what others wait for as well goes on.
#[derive(Debug)]
pub(crate) struct Load {
    pointers: Vec<Pointer>,
    shape: Shape,
    begun: Option<Begun>,
}

/// What has been done to get the nodes.
#[derive(Debug)]
pub(crate) struct Begun {
    /// Those that were at hand, in the order of the pointers.
    pub(crate) at_hand: Vec<Option<Arc<Node>>>,
    /// What brings the others.
    pub(crate) requests: Vec<Shared<Request>>,
}

impl Load {
    pub(crate) const fn new(pointers: Vec<Pointer>, shape: Shape) -> Self {
        Self { pointers, shape, begun: None }
    }

    pub(crate) fn pointers(&self) -> &[Pointer] {
        &self.pointers
    }

    /// Has the nodes fetched from now on, as far as the store works by itself once it was asked.
    pub(crate) fn begin(&mut self, nodes: &Nodes) {
        if self.begun.is_some() {
            return;
        }
        // What fails here fails again for whoever waits.
        if let Ok(begun) = nodes.begin(&self.pointers) {
            for request in &begun.requests {
                let _ = request.clone().now_or_never();
            }
            self.begun = Some(begun);
        }
    }

    /// Waits for the nodes. Can be dropped and called again, and after an error it tries again.
    pub(crate) async fn wait(&mut self, nodes: &Nodes) -> Result<Vec<Arc<Node>>, IndexError> {
        let begun = match self.begun.take() {
            Some(begun) => self.begun.insert(begun),
            None => self.begun.insert(nodes.begin(&self.pointers)?),
        };
        match try_join_all(begun.requests.iter().cloned()).await {
            Ok(brought) => {
                let wanted = self.collect(&brought, nodes)?;
                nodes.complete(&wanted).await?;
                Ok(wanted)
            }
            Err(error) => {
                self.begun = None;
                Err(error.into())
            }
        }
    }

    /// Puts together what was at hand and what was brought, and makes sure that it is what was
    /// wanted.
    fn collect(
        &self,
        brought: &[Arc<[fetch::Loaded]>],
        nodes: &Nodes,
    ) -> Result<Vec<Arc<Node>>, IndexError> {
        let brought: BTreeMap<_, _> = brought
            .iter()
            .flat_map(|brought| brought.iter())
            .map(|(hash, node)| (hash, node))
            .collect();
        let at_hand = self.begun.iter().flat_map(|begun| &begun.at_hand);
        let mut wanted = Vec::with_capacity(self.pointers.len());
        for (pointer, at_hand) in self.pointers.iter().zip(at_hand) {
            let node = at_hand.as_ref().or_else(|| brought.get(&pointer.hash).copied());
            let node = node.ok_or_else(|| StoreError::Missing { object: pointer.pack.clone() })?;
            nodes::check(pointer, node, self.shape, || nodes.name(pointer))?;
            wanted.push(Arc::clone(node));
        }
        Ok(wanted)
    }
}
