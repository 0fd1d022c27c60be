//! The kernels that come with Weft.

use std::path::{Path, PathBuf};

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// Name and contents, as of the build.
        const SHIPPED: &[(&str, &[u8])] = &[$((concat!($name, ".py"), include_bytes!(concat!("../../../samples/", $name, ".py")))),*];
    };
}

shipped![
    "adi",
    "arc_distance",
    "atax",
    "azimint_hist",
    "azimint_naive",
    "bicg",
    "cavity_flow",
    "channel_flow",
    "cholesky",
    "cholesky2",
    "compute",
    "contour_integral",
    "conv2d_bias",
    "correlation",
    "covariance",
    "covariance2",
    "crc16",
    "deriche",
    "doitgen",
    "durbin",
    "fdtd_2d",
    "floyd_warshall",
    "gemm",
    "gemver",
    "gesummv",
    "go_fast",
    "gramschmidt",
    "hdiff",
    "heat_3d",
    "jacobi_1d",
    "jacobi_2d",
    "k2mm",
    "k3mm",
    "lenet",
    "lstsqr",
    "lu",
    "ludcmp",
    "mandelbrot1",
    "mandelbrot2",
    "mlp",
    "mvt",
    "nbody",
    "nussinov",
    "resnet",
    "scattering_self_energies",
    "seidel_2d",
    "softmax",
    "specialconvolve",
    "spmv",
    "stockham_fft",
    "symm",
    "syr2k",
    "syrk",
    "trisolv",
    "trmm",
    "vadv",
    "wdist",
];

/// Is it one of ours, unchanged? Then it may be executed without asking.
pub fn is_shipped_sample(file: &Path) -> bool {
    let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let Some((_, contents)) = SHIPPED.iter().find(|(n, _)| *n == name) else { return false };
    std::fs::read(file).is_ok_and(|found| found == *contents)
}

/// The sample files beside the program or the working folder, by name.
pub fn samples() -> Vec<PathBuf> {
    let roots = [std::env::current_exe().ok(), std::env::current_dir().ok().map(|d| d.join("_"))];
    let folder = roots.into_iter().flatten().find_map(|start| {
        start.ancestors().skip(1).map(|dir| dir.join("samples")).find(|dir| dir.join("jacobi_2d.py").exists())
    });
    let Some(folder) = folder else { return vec![] };
    SHIPPED.iter().map(|(name, _)| folder.join(name)).filter(|file| file.exists()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_listed_and_a_changed_one_is_not_ours() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
        for entry in std::fs::read_dir(&folder).expect("samples").flatten() {
            let file = entry.path();
            if file.extension().is_some_and(|e| e == "py") {
                assert!(is_shipped_sample(&file), "{} is not in the list", file.display());
            }
        }
        let copy = std::env::temp_dir().join(format!("weft-samples-{}", std::process::id()));
        std::fs::create_dir_all(&copy).expect("a folder");
        let changed = copy.join("gemm.py");
        std::fs::write(&changed, "import os\n").expect("a file");
        assert!(!is_shipped_sample(&changed));
        std::fs::remove_dir_all(copy).expect("removed");
    }
}
