//! How much machine code a library has.

use std::path::Path;

use object::read::archive::ArchiveFile;
use object::{File, Object, ObjectSection, SectionKind};

/// The bytes of all functions in a `.rlib`.
pub(crate) fn bytes(library: &Path) -> Result<u64, String> {
    let failed = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", library.display());
    let data = std::fs::read(library).map_err(|why| failed(&why))?;
    let archive = ArchiveFile::parse(&*data).map_err(|why| failed(&why))?;
    let mut bytes = 0;
    for member in archive.members() {
        let member = member.map_err(|why| failed(&why))?;
        // The metadata of rustc need not be an object file.
        let Ok(object) = File::parse(member.data(&*data).map_err(|why| failed(&why))?) else { continue };
        bytes += object
            .sections()
            .filter(|section| section.kind() == SectionKind::Text)
            .map(|text| text.size())
            .sum::<u64>();
    }
    Ok(bytes)
}
