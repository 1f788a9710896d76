//! A run of a checkpoint: a tree, and the packs that it is in.

use std::fmt;

use duramen_index::Layer;
use duramen_index::pointer::{NodeHash, Pointer, Tree};
use duramen_model::Order;
use duramen_proto::stored;

use crate::RunPacksRef;
use crate::malformed::{self, Malformed, fixed};

/// A run of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRun {
    /// The run.
    pub tree: Tree,
    /// The packs that it is in; `None` in what old software wrote.
    pub packs: Option<RunPacksRef>,
}

/// What tells a run from all others of a database: where its highest node is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    pack: String,
    offset: u64,
}

impl RunId {
    /// That of a tree.
    #[must_use]
    pub fn of(tree: &Tree) -> Self {
        Self { pack: tree.top.pack.clone(), offset: tree.top.offset }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (node at {})", self.pack, self.offset)
    }
}

/// The runs, by index.
pub(crate) fn encode_all(runs: &[CheckpointRun]) -> Vec<stored::Index> {
    let mut indexes: Vec<stored::Index> = Vec::new();
    for run in runs {
        let tree = &run.tree;
        let (order, layer) = (order_number(tree.order) as i32, layer_number(tree.layer) as i32);
        let own = |index: &&mut stored::Index| (index.order, index.layer) == (order, layer);
        match indexes.iter_mut().find(own) {
            Some(index) => index.runs.push(encode(run)),
            None => {
                indexes.push(stored::Index { order, layer, runs: vec![encode(run)] });
            }
        }
    }
    indexes
}

/// The runs of indexes.
pub(crate) fn decode_all(indexes: Vec<stored::Index>) -> Result<Vec<CheckpointRun>, Malformed> {
    let mut runs = Vec::new();
    for index in indexes {
        let order = order_of(index.order())?;
        let layer = layer_of(index.layer())?;
        for tree in index.runs {
            runs.push(decode(order, layer, tree)?);
        }
    }
    Ok(runs)
}

/// The runs of large values.
pub(crate) fn decode_values(trees: Vec<stored::Tree>) -> Result<Vec<CheckpointRun>, Malformed> {
    trees.into_iter().map(|tree| decode(Order::Avet, Layer::Current, tree)).collect()
}

fn decode(order: Order, layer: Layer, tree: stored::Tree) -> Result<CheckpointRun, Malformed> {
    let packs = tree.packs.as_ref().map(RunPacksRef::parse).transpose()?;
    Ok(CheckpointRun { tree: decode_tree(order, layer, tree)?, packs })
}

pub(crate) fn encode(run: &CheckpointRun) -> stored::Tree {
    let tree = &run.tree;
    stored::Tree {
        packs: run.packs.map(RunPacksRef::to_stored),
        top: Some(encode_pointer(&tree.top)),
        top_bytes: tree.top_bytes.clone().unwrap_or_default(),
        height: tree.height.into(),
        records: tree.records,
        net: tree.net,
        t_min: tree.t_min.get(),
        t_max: tree.t_max.get(),
    }
}

fn decode_tree(order: Order, layer: Layer, tree: stored::Tree) -> Result<Tree, Malformed> {
    let top = tree.top.ok_or_else(|| Malformed::new("a top", "none"))?;
    Ok(Tree {
        order,
        layer,
        top: decode_pointer(top)?,
        top_bytes: Some(tree.top_bytes).filter(|bytes| !bytes.is_empty()),
        height: u8::try_from(tree.height)
            .map_err(|_| Malformed::new("a height under 256", tree.height))?,
        records: tree.records,
        net: tree.net,
        t_min: malformed::t(tree.t_min)?,
        t_max: malformed::t(tree.t_max)?,
    })
}

fn encode_pointer(pointer: &Pointer) -> stored::Pointer {
    stored::Pointer {
        pack: pointer.pack.clone(),
        offset: pointer.offset,
        length: pointer.length,
        hash: pointer.hash.as_bytes().to_vec().into(),
        records: pointer.records,
        net: pointer.net,
        t_min: pointer.t_min.get(),
        t_max: pointer.t_max.get(),
    }
}

fn decode_pointer(pointer: stored::Pointer) -> Result<Pointer, Malformed> {
    // A name that could lead out of the folder is none.
    malformed::name(&pointer.pack)?;
    Ok(Pointer {
        pack: pointer.pack,
        offset: pointer.offset,
        length: pointer.length,
        hash: NodeHash::from_bytes(fixed(&pointer.hash, "a hash")?),
        records: pointer.records,
        net: pointer.net,
        t_min: malformed::t(pointer.t_min)?,
        t_max: malformed::t(pointer.t_max)?,
    })
}

fn order_number(order: Order) -> stored::Order {
    match order {
        Order::Eavt => stored::Order::Eavt,
        Order::Aevt => stored::Order::Aevt,
        Order::Avet => stored::Order::Avet,
        Order::Vaet => stored::Order::Vaet,
    }
}

fn order_of(number: stored::Order) -> Result<Order, Malformed> {
    match number {
        stored::Order::Unspecified => Err(Malformed::new("an order", "none")),
        stored::Order::Eavt => Ok(Order::Eavt),
        stored::Order::Aevt => Ok(Order::Aevt),
        stored::Order::Avet => Ok(Order::Avet),
        stored::Order::Vaet => Ok(Order::Vaet),
    }
}

fn layer_number(layer: Layer) -> stored::Layer {
    match layer {
        Layer::Current => stored::Layer::Current,
        Layer::History => stored::Layer::History,
    }
}

fn layer_of(number: stored::Layer) -> Result<Layer, Malformed> {
    match number {
        stored::Layer::Unspecified => Err(Malformed::new("a layer", "none")),
        stored::Layer::Current => Ok(Layer::Current),
        stored::Layer::History => Ok(Layer::History),
    }
}
