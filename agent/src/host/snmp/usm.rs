//! The user-based security model's arithmetic: keys, signatures, encryption.
//!
//! Facts: RFC 3414 (keys, MD5, SHA-1, DES), RFC 3826 (AES-128 in CFB mode), RFC 7860 (SHA-2 and the lengths of its
//! signatures). AES-192 and AES-256 were never standardised: the field has two ways to make a password's key longer,
//! draft-blumenthal-aes-usm-04 (net-snmp's) and draft-reeder-snmpv3-usm-3desede-00 (Cisco's and others').

use aes::{Aes128, Aes192, Aes256};
use des::{
    Des,
    cipher::{
        BlockDecrypt, BlockEncrypt, KeyInit,
        generic_array::GenericArray,
        typenum::{U8, U16},
    },
};
use hmac::{Hmac, Mac as _};
use md5::{
    Digest, Md5,
    digest::{FixedOutputReset, core_api::BlockSizeUser},
};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// A key of a user at one engine.
pub(super) type Key = Zeroizing<Vec<u8>>;

/// A password is repeated to so many bytes (RFC 3414, appendix A.2).
const STRETCHED_BYTES: usize = 1_048_576;

/// Authentication protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// Privacy protocols; the last word says how keys are made longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privacy {
    Des,
    Aes128,
    Aes192Blumenthal,
    Aes256Blumenthal,
    Aes192Reeder,
    Aes256Reeder,
}

impl Auth {
    /// For messages about mistakes.
    pub(super) const NAMES: &str = "md5, sha, sha-224, sha-256, sha-384, sha-512";

    pub(super) fn parse(word: &str) -> Option<Auth> {
        Some(match word.to_lowercase().replace(['-', '_'], "").as_str() {
            "md5" => Auth::Md5,
            "sha" | "sha1" => Auth::Sha1,
            "sha224" => Auth::Sha224,
            "sha256" => Auth::Sha256,
            "sha384" => Auth::Sha384,
            "sha512" => Auth::Sha512,
            _ => return None,
        })
    }

    /// Bytes of a signature in a message.
    pub(super) fn signature_bytes(self) -> usize {
        match self {
            Auth::Md5 | Auth::Sha1 => 12,
            Auth::Sha224 => 16,
            Auth::Sha256 => 24,
            Auth::Sha384 => 32,
            Auth::Sha512 => 48,
        }
    }

    /// A password's key at an engine.
    pub(super) fn key(self, password: &[u8], engine: &[u8]) -> Key {
        let of = match self {
            Auth::Md5 => localized::<Md5>,
            Auth::Sha1 => localized::<Sha1>,
            Auth::Sha224 => localized::<Sha224>,
            Auth::Sha256 => localized::<Sha256>,
            Auth::Sha384 => localized::<Sha384>,
            Auth::Sha512 => localized::<Sha512>,
        };
        of(password, engine)
    }

    fn hash(self, bytes: &[u8]) -> Key {
        Zeroizing::new(match self {
            Auth::Md5 => Md5::digest(bytes).to_vec(),
            Auth::Sha1 => Sha1::digest(bytes).to_vec(),
            Auth::Sha224 => Sha224::digest(bytes).to_vec(),
            Auth::Sha256 => Sha256::digest(bytes).to_vec(),
            Auth::Sha384 => Sha384::digest(bytes).to_vec(),
            Auth::Sha512 => Sha512::digest(bytes).to_vec(),
        })
    }

    /// The signature of a message in which the signature's place is zero.
    pub(super) fn sign(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        macro_rules! mac {
            ($hash:ty) => {{
                let mut mac = <Hmac<$hash> as hmac::Mac>::new_from_slice(key)
                    .expect("a hash-based signature takes keys of any length");
                mac.update(message);
                mac.finalize().into_bytes().to_vec()
            }};
        }
        let mut signature = match self {
            Auth::Md5 => mac!(Md5),
            Auth::Sha1 => mac!(Sha1),
            Auth::Sha224 => mac!(Sha224),
            Auth::Sha256 => mac!(Sha256),
            Auth::Sha384 => mac!(Sha384),
            Auth::Sha512 => mac!(Sha512),
        };
        signature.truncate(self.signature_bytes());
        signature
    }
}

/// Whether two signatures are the same, in a time that does not tell where they differ.
pub(super) fn same(one: &[u8], two: &[u8]) -> bool {
    one.len() == two.len() && one.iter().zip(two).fold(0, |all, (one, two)| all | (one ^ two)) == 0
}

fn localized<D: Digest + BlockSizeUser + FixedOutputReset>(password: &[u8], engine: &[u8]) -> Key {
    let mut hash = D::new();
    let password = if password.is_empty() { &[0] } else { password };
    // Whole repetitions of the password, so that the hash is fed in large pieces.
    let piece: Zeroizing<Vec<u8>> =
        Zeroizing::new(password.iter().copied().cycle().take(password.len() * 64).collect());
    let mut left = STRETCHED_BYTES;
    while left > 0 {
        let take = left.min(piece.len());
        Digest::update(&mut hash, &piece[..take]);
        left -= take;
    }
    let stretched = Zeroizing::new(hash.finalize().to_vec());
    let mut hash = D::new();
    Digest::update(&mut hash, &*stretched);
    Digest::update(&mut hash, engine);
    Digest::update(&mut hash, &*stretched);
    Zeroizing::new(hash.finalize().to_vec())
}

impl Privacy {
    /// For messages about mistakes.
    pub(super) const NAMES: &str = "des, aes-128, aes-192, aes-256, aes-192-c, aes-256-c";

    pub(super) fn parse(word: &str) -> Option<Privacy> {
        Some(match word.to_lowercase().replace(['-', '_'], "").as_str() {
            "des" => Privacy::Des,
            "aes" | "aes128" => Privacy::Aes128,
            "aes192" => Privacy::Aes192Blumenthal,
            "aes256" => Privacy::Aes256Blumenthal,
            "aes192c" => Privacy::Aes192Reeder,
            "aes256c" => Privacy::Aes256Reeder,
            _ => return None,
        })
    }

    /// A password's privacy key at an engine: made with the hash of the authentication, made longer where it is short.
    pub(super) fn key(self, auth: Auth, password: &[u8], engine: &[u8]) -> Key {
        let mut key = auth.key(password, engine);
        let wanted = match self {
            Privacy::Des | Privacy::Aes128 => 16,
            Privacy::Aes192Blumenthal | Privacy::Aes192Reeder => 24,
            Privacy::Aes256Blumenthal | Privacy::Aes256Reeder => 32,
        };
        while key.len() < wanted {
            let more = match self {
                Privacy::Aes192Reeder | Privacy::Aes256Reeder => auth.key(&key, engine),
                _ => auth.hash(&key),
            };
            key.extend_from_slice(&more);
        }
        key.truncate(wanted);
        key
    }

    /// Encrypts; gives the encrypted bytes and the privacy parameters (salt) that go with them.
    pub(super) fn encrypt(
        self,
        key: &[u8],
        boots: u32,
        time: u32,
        salt: u64,
        plain: &[u8],
    ) -> Option<(Vec<u8>, [u8; 8])> {
        let salt = match self {
            // RFC 3414, 8.1.1.1: the engine's boots, then a number that is never used twice.
            Privacy::Des => {
                let low = u32::try_from(salt & 0xffff_ffff).unwrap_or(0);
                (u64::from(boots) << 32 | u64::from(low)).to_be_bytes()
            }
            _ => salt.to_be_bytes(),
        };
        let cipher = match self {
            Privacy::Des => des_cbc(key, salt, plain, true)?,
            _ => self.aes_cfb(key, iv(boots, time, salt), plain, true)?,
        };
        Some((cipher, salt))
    }

    /// Decrypts. None if key, parameters or length cannot be right.
    pub(super) fn decrypt(
        self,
        key: &[u8],
        boots: u32,
        time: u32,
        salt: &[u8],
        cipher: &[u8],
    ) -> Option<Vec<u8>> {
        let salt: [u8; 8] = salt.try_into().ok()?;
        match self {
            Privacy::Des => des_cbc(key, salt, cipher, false),
            _ => self.aes_cfb(key, iv(boots, time, salt), cipher, false),
        }
    }

    fn aes_cfb(self, key: &[u8], iv: [u8; 16], text: &[u8], encrypt: bool) -> Option<Vec<u8>> {
        Some(match self {
            Privacy::Des => return None,
            Privacy::Aes128 => cfb(&Aes128::new_from_slice(key).ok()?, iv, text, encrypt),
            Privacy::Aes192Blumenthal | Privacy::Aes192Reeder => {
                cfb(&Aes192::new_from_slice(key).ok()?, iv, text, encrypt)
            }
            Privacy::Aes256Blumenthal | Privacy::Aes256Reeder => {
                cfb(&Aes256::new_from_slice(key).ok()?, iv, text, encrypt)
            }
        })
    }
}

/// RFC 3826, 3.1.2.1.
fn iv(boots: u32, time: u32, salt: [u8; 8]) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[..4].copy_from_slice(&boots.to_be_bytes());
    iv[4..8].copy_from_slice(&time.to_be_bytes());
    iv[8..].copy_from_slice(&salt);
    iv
}

/// Cipher feedback with whole blocks (CFB-128). Written out because it is eight lines over a block cipher.
fn cfb(
    cipher: &impl BlockEncrypt<BlockSize = U16>,
    iv: [u8; 16],
    text: &[u8],
    encrypt: bool,
) -> Vec<u8> {
    let mut register = GenericArray::from(iv);
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.chunks(16) {
        cipher.encrypt_block(&mut register);
        let done: Vec<u8> = chunk.iter().zip(&register).map(|(byte, mask)| byte ^ mask).collect();
        let feedback = if encrypt { done.as_slice() } else { chunk };
        register[..feedback.len()].copy_from_slice(feedback);
        out.extend_from_slice(&done);
    }
    out
}

/// RFC 3414, 8.1.1: key and pre-IV are halves of the privacy key. What is encrypted is filled up to whole blocks.
fn des_cbc(key: &[u8], salt: [u8; 8], text: &[u8], encrypt: bool) -> Option<Vec<u8>> {
    let (key, pre) = key.get(..16)?.split_at(8);
    let cipher = Des::new_from_slice(key).ok()?;
    let mut register: GenericArray<u8, U8> =
        pre.iter().zip(salt).map(|(one, two)| one ^ two).collect();
    if !encrypt && !text.len().is_multiple_of(8) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() + 8);
    for chunk in text.chunks(8) {
        let mut block: GenericArray<u8, U8> = GenericArray::default();
        block[..chunk.len()].copy_from_slice(chunk);
        if encrypt {
            block.iter_mut().zip(&register).for_each(|(byte, mask)| *byte ^= mask);
            cipher.encrypt_block(&mut block);
            register = block;
            out.extend_from_slice(&block);
        } else {
            let next = block;
            cipher.decrypt_block(&mut block);
            out.extend(block.iter().zip(&register).map(|(byte, mask)| byte ^ mask));
            register = next;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    /// RFC 3414, appendix A.3.
    const ENGINE: &str = "000000000000000000000002";

    #[test]
    fn keys_are_those_of_the_standard() {
        let key = |auth: Auth| auth.key(b"maplesyrup", &hex(ENGINE)).to_vec();
        assert_eq!(key(Auth::Md5), hex("526f5eed9fcce26f8964c2930787d82b"));
        assert_eq!(key(Auth::Sha1), hex("6695febc9288e36282235fc7151f128497b38f3f"));
        // RFC 7860 has no examples; net-snmp's and pysnmp's keys.
        assert_eq!(
            key(Auth::Sha256),
            hex("8982e0e549e866db361a6b625d84cccc11162d453ee8ce3a6445c2d6776f0f8b")
        );
    }

    #[test]
    fn long_keys_are_made_in_both_ways() {
        // Reeder: the rest is the localized key of the key so far. Blumenthal: the hash of the key so far.
        let short = hex("6695febc9288e36282235fc7151f128497b38f3f");
        let reeder = Privacy::Aes256Reeder.key(Auth::Sha1, b"maplesyrup", &hex(ENGINE));
        assert_eq!(reeder[..20], short);
        assert_eq!(reeder[20..], Auth::Sha1.key(&short, &hex(ENGINE))[..12]);
        let blumenthal = Privacy::Aes256Blumenthal.key(Auth::Sha1, b"maplesyrup", &hex(ENGINE));
        assert_eq!(blumenthal[20..], Sha1::digest(&short)[..12]);
    }

    #[test]
    fn what_was_encrypted_is_decrypted() {
        let plain: Vec<u8> = (0..=77).collect();
        for privacy in [
            Privacy::Des,
            Privacy::Aes128,
            Privacy::Aes192Blumenthal,
            Privacy::Aes256Blumenthal,
            Privacy::Aes192Reeder,
            Privacy::Aes256Reeder,
        ] {
            let key = privacy.key(Auth::Sha256, b"a password", b"engine");
            let (cipher, salt) =
                privacy.encrypt(&key, 3, 9, 0x0102_0304_0506_0708, &plain).unwrap();
            assert_ne!(cipher[..plain.len()], plain);
            let back = privacy.decrypt(&key, 3, 9, &salt, &cipher).unwrap();
            assert_eq!(back[..plain.len()], plain);
            assert_eq!(privacy.decrypt(&key, 3, 9, &salt[1..], &cipher), None);
        }
    }

    #[test]
    fn the_cipher_modes_are_those_of_the_standards() {
        // NIST SP 800-38A, F.3.13: CFB128-AES128.
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let iv: [u8; 16] = hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
        let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        let cipher = cfb(&Aes128::new_from_slice(&key).unwrap(), iv, &plain, true);
        assert_eq!(cipher, hex("3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b"));
        // FIPS 81, table C1, with pre-IV zero and the salt as initialisation vector.
        let mut key = hex("0123456789abcdef");
        key.extend([0; 8]);
        let salt: [u8; 8] = hex("1234567890abcdef").try_into().unwrap();
        let cipher = des_cbc(&key, salt, b"Now is the time for all ", true).unwrap();
        assert_eq!(cipher, hex("e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"));
    }
}
