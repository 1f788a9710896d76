//! A branch: the node that points to nodes.
//!
//! After the header that all nodes have (see [`node`](crate::node)):
//!
//! ```text
//! separators   keys as columns, see keys.rs; the n-th is at most the first key at or below the
//!              n-th child, and above every key at or below the one before
//! packs        how many names (varint), each: length (varint), text
//! pack, offset, length, records, net, earliest t, latest t of each child
//!              seven columns of integers; the pack as a place among the names
//! hashes       32 bytes each
//! ```

use duramen_model::T;

use super::values::Allowance;
use super::{VALUES_BYTES_MAX, ints, keys};
use crate::branch::{length, pack_name};
use crate::keys::Keys;
use crate::node::Header;
use crate::wire::{DecodeError, Reader};
use crate::{Layer, NodeHash, Pointer};

pub(super) fn decode(
    header: &Header,
    mut reader: Reader<'_>,
) -> Result<(Keys, Vec<Pointer>), DecodeError> {
    let mut allowance = Allowance::new(VALUES_BYTES_MAX);
    let separators = keys::decode(&mut reader, header.count, &mut allowance)?;
    let pointers = decode_pointers(&mut reader, header.count)?;
    reader.finish()?;
    // Separators of that version do not tell what closed a fact.
    let closed = (header.layer == Layer::History).then(|| vec![T::GENESIS; header.count]);
    let keys = separators.iter().map(|(e, a, v, added)| (*e, *a, v, *added));
    Ok((Keys::of(keys, closed), pointers))
}

fn decode_pointers(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Pointer>, DecodeError> {
    let packs = decode_packs(reader, count)?;
    let mut column = || ints::decode(reader, count);
    let [places, offsets, lengths] = [column()?, column()?, column()?];
    let [records, nets] = [column()?, column()?];
    let [earliest, latest] = [keys::decode_ts(reader, count)?, keys::decode_ts(reader, count)?];
    let mut pointers = Vec::with_capacity(count);
    for index in 0..count {
        let place = usize::try_from(places[index]).unwrap_or(usize::MAX);
        let pack = packs.get(place).ok_or_else(|| {
            DecodeError::damaged(format!("one of {} packs", packs.len()), place.to_string())
        })?;
        pointers.push(Pointer {
            pack: pack.clone(),
            offset: offsets[index],
            length: length(offsets[index], lengths[index])?,
            hash: NodeHash::from_bytes(reader.array()?),
            records: records[index],
            net: nets[index] as i64,
            t_min: earliest[index],
            t_max: latest[index],
        });
    }
    Ok(pointers)
}

fn decode_packs(reader: &mut Reader<'_>, count: usize) -> Result<Vec<String>, DecodeError> {
    let size = reader.varint_up_to(count, "packs in a branch")?;
    (0..size).map(|_| pack_name(reader.bytes()?)).collect()
}
