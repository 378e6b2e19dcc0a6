//! Which partition a key lives in: the murmur2 hash that the Java client uses by default.

/// The partition of a key among so many.
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    match u32::try_from(partitions) {
        Ok(count @ 1..) => i32::try_from((murmur2(key) & 0x7fff_ffff) % count).unwrap_or_default(),
        Ok(0) | Err(_) => 0,
    }
}

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = 0x9747_b28c_u32 ^ length;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let word = word.iter().rev().fold(0_u32, |k, byte| (k << 8) | u32::from(*byte));
        let mixed = word.wrapping_mul(M);
        let mixed = (mixed ^ (mixed >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ mixed;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0_u32, |k, byte| (k << 8) | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lie_where_the_contract_says() {
        for (key, of_6, of_3, of_4) in
            [("SEP0011223344AA", 5, 2, 1), ("recorder1", 0, 0, 2), ("7001|PT_ICM", 2, 2, 0)]
        {
            let key = key.as_bytes();
            assert_eq!(
                (partition_of(key, 6), partition_of(key, 3), partition_of(key, 4)),
                (of_6, of_3, of_4),
                "{key:?}"
            );
        }
    }
}
