"""Samples of random numbers: what TensorFlow 2.21 draws on a CPU."""

import numpy as np

from penstock.core.dtypes import (
    bfloat16,
    float16,
    float32,
    float64,
    int32,
    int64,
    uint32,
    uint64,
)
from tests.ops.sample import Sample

SAMPLES = [
    Sample(
        "StatelessRandomGetKeyCounter",
        (np.int64([1, -2]),),
        (np.uint64([6403228833514061428]), np.uint64([0, 1432497372691926344])),
        differentiable=False,
    ),
    Sample(
        "StatelessRandomGetKeyCounter",
        (np.int32([-5, 2147483647]),),
        (np.uint64([14656647936383140847]), np.uint64([0, 637114868435764952])),
        differentiable=False,
    ),
    Sample(
        "StatelessRandomGetKeyCounterAlg",
        (np.int64([1, -2]),),
        (np.uint64([6403228833514061428]), np.uint64([0, 1432497372691926344]), np.int32(1)),
        differentiable=False,
    ),
    Sample("StatelessRandomGetAlg", (), np.int32(1), differentiable=False),
    Sample(
        "StatelessRandomUniform",
        (np.int32([5]), np.int64([1, -2])),
        np.float32([0.7476804, 0.75662565, 0.84331036, 0.24518633, 0.7087741]),
        {"dtype": float32},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniform",
        (np.int32([5]), np.int64([1, -2])),
        np.float64(
            [
                0.9814439802553983,
                0.7464831289745613,
                0.6701934653369275,
                0.41303371900430363,
                0.051673073185986906,
            ]
        ),
        {"dtype": float64},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniform",
        (np.int32([5]), np.int64([1, -2])),
        np.float16([0.998046875, 0.27734375, 0.3984375, 0.56640625, 0.27734375]),
        {"dtype": float16},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniform",
        (np.int32([5]), np.int64([1, -2])),
        np.array([0.984375, 0.21875, 0.1875, 0.53125, 0.21875], bfloat16.np),
        {"dtype": bfloat16},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniformV2",
        (
            np.int32([5]),
            np.uint64([6403228833514061428]),
            np.uint64([0, 1432497372691926344]),
            np.int32(1),
        ),
        np.float32([0.7476804, 0.75662565, 0.84331036, 0.24518633, 0.7087741]),
        differentiable=False,
    ),
    Sample(
        "StatelessRandomNormal",
        (np.int32([5]), np.int64([1, -2])),
        np.float32([-0.7619396, 0.031738095, 0.5835484, 0.017654888, -0.24707565]),
        {"dtype": float32},
        differentiable=False,
        tolerance=1e-06,
    ),
    Sample(
        "StatelessRandomNormal",
        (np.int32([5]), np.int64([1, -2])),
        np.float64(
            [
                -0.19350037879936857,
                -0.0042765034232019475,
                0.4648865789618347,
                -0.7643678282017976,
                1.3406415284736664,
            ]
        ),
        {"dtype": float64},
        differentiable=False,
        tolerance=1e-14,
    ),
    Sample(
        "StatelessRandomNormal",
        (np.int32([5]), np.int64([1, -2])),
        np.float16(
            [-0.76171875, 0.03173828125, 0.58349609375, 0.0176544189453125, -0.2470703125]
        ),
        {"dtype": float16},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomNormal",
        (np.int32([5]), np.int64([1, -2])),
        np.array(
            [-0.76171875, 0.03173828125, 0.58203125, 0.0177001953125, -0.2470703125],
            bfloat16.np,
        ),
        {"dtype": bfloat16},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomNormalV2",
        (
            np.int32([5]),
            np.uint64([6403228833514061428]),
            np.uint64([0, 1432497372691926344]),
            np.int32(1),
        ),
        np.float32([-0.7619396, 0.031738095, 0.5835484, 0.017654888, -0.24707565]),
        differentiable=False,
        tolerance=1e-06,
    ),
    Sample(
        "StatelessTruncatedNormal",
        (np.int32([5]), np.int64([1, -2])),
        np.float32([-0.7619396, 0.031738095, 0.5835484, 0.017654888, -0.9447313]),
        {"dtype": float32},
        differentiable=False,
        tolerance=1e-06,
    ),
    Sample(
        "StatelessTruncatedNormal",
        (np.int32([5]), np.int64([1, -2])),
        np.float64(
            [
                -0.19350037879936857,
                -0.0042765034232019475,
                -0.5547910671857069,
                0.1132467005100975,
                1.5081823175963789,
            ]
        ),
        {"dtype": float64},
        differentiable=False,
        tolerance=1e-14,
    ),
    Sample(
        "StatelessTruncatedNormal",
        (np.int32([5]), np.int64([1, -2])),
        np.float16(
            [-0.76171875, 0.03173828125, 0.58349609375, 0.0176544189453125, -0.94482421875]
        ),
        {"dtype": float16},
        differentiable=False,
    ),
    Sample(
        "StatelessTruncatedNormal",
        (np.int32([5]), np.int64([1, -2])),
        np.array(
            [-0.76171875, 0.03173828125, 0.58203125, 0.0177001953125, -0.9453125], bfloat16.np
        ),
        {"dtype": bfloat16},
        differentiable=False,
    ),
    Sample(
        "StatelessTruncatedNormalV2",
        (
            np.int32([5]),
            np.uint64([6403228833514061428]),
            np.uint64([0, 1432497372691926344]),
            np.int32(1),
        ),
        np.float32([-0.7619396, 0.031738095, 0.5835484, 0.017654888, -0.9447313]),
        differentiable=False,
        tolerance=1e-06,
    ),
    Sample(
        "StatelessTruncatedNormal",
        (np.int32([3, 7]), np.int64([1, -2])),
        np.float32(
            [
                [
                    -0.7619396,
                    0.031738095,
                    0.5835484,
                    0.017654888,
                    -0.9447313,
                    -0.020635841,
                    0.39297545,
                ],
                [
                    -0.27512962,
                    -1.2202249,
                    0.10393335,
                    -1.0843183,
                    -0.7439225,
                    0.24328443,
                    0.7528341,
                ],
                [
                    -1.0448072,
                    -1.2508506,
                    -0.052264392,
                    -0.39312047,
                    -1.2467998,
                    -0.4700684,
                    1.0174801,
                ],
            ]
        ),
        differentiable=False,
        tolerance=1e-06,
    ),
    Sample(
        "StatelessRandomUniformFullInt",
        (np.int32([5]), np.int64([1, -2])),
        np.int32([341816318, -1704928996, -655625832, 1260347972, 1994045724]),
        {"dtype": int32},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniformFullInt",
        (np.int32([5]), np.int64([1, -2])),
        np.int64(
            [
                -7322614279480298498,
                5413153324959265176,
                -4000930293868742372,
                4518320714178534345,
                2663508213201163175,
            ]
        ),
        {"dtype": int64},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniformFullInt",
        (np.int32([5]), np.int64([1, -2])),
        np.uint32([341816318, 2590038300, 3639341464, 1260347972, 1994045724]),
        {"dtype": uint32},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniformFullInt",
        (np.int32([5]), np.int64([1, -2])),
        np.uint64(
            [
                11124129794229253118,
                5413153324959265176,
                14445813779840809244,
                4518320714178534345,
                2663508213201163175,
            ]
        ),
        {"dtype": uint64},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniformFullIntV2",
        (
            np.int32([5]),
            np.uint64([6403228833514061428]),
            np.uint64([0, 1432497372691926344]),
            np.int32(1),
        ),
        np.uint64(
            [
                11124129794229253118,
                5413153324959265176,
                14445813779840809244,
                4518320714178534345,
                2663508213201163175,
            ]
        ),
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniformInt",
        (np.int32([5]), np.int64([1, -2]), np.int32(-3), np.int32(1000)),
        np.int32([936, 424, 93, 235, 478]),
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniformInt",
        (np.int32([5]), np.int64([1, -2]), np.int64(-3), np.int64(1000)),
        np.int64([411, 195, 409, 374, 607]),
        differentiable=False,
    ),
    Sample(
        "StatelessRandomUniformIntV2",
        (
            np.int32([5]),
            np.uint64([6403228833514061428]),
            np.uint64([0, 1432497372691926344]),
            np.int32(1),
            np.int32(-3),
            np.int32(1000),
        ),
        np.int32([936, 424, 93, 235, 478]),
        differentiable=False,
    ),
    Sample(
        "StatelessRandomGammaV2",
        (np.int32([2, 3]), np.int64([1, -2]), np.float32([0.3, 1.0, 7.0])),
        np.float32([[0.2535442, 0.46174443, 5.7768226], [0.1033329, 0.5252065, 8.102591]]),
        differentiable=False,
        tolerance=1e-06,
    ),
    Sample(
        "StatelessRandomGammaV3",
        (
            np.int32([2, 3]),
            np.uint64([6403228833514061428]),
            np.uint64([0, 1432497372691926344]),
            np.int32(1),
            np.float64([0.3, 1.0, 7.0]),
        ),
        np.float64(
            [
                [0.25354418633544595, 0.4617444184551764, 5.776822804841345],
                [0.1033328864298824, 0.5252065041423751, 8.102590512927337],
            ]
        ),
        differentiable=False,
        tolerance=1e-12,
    ),
    Sample(
        "StatelessRandomPoisson",
        (np.int32([2, 4]), np.int64([1, -2]), np.float32([0.0, 3.0, 12.0, 1000.0])),
        np.int32([[0, 2, 10, 929], [0, 6, 15, 1060]]),
        {"dtype": int32},
        differentiable=False,
    ),
    Sample(
        "StatelessRandomBinomial",
        (
            np.int32([2, 4]),
            np.int64([1, -2]),
            np.float64([5.0, 40.0, 100.0, 100.0]),
            np.float64([0.5, 0.1, 0.4, 0.95]),
        ),
        np.float64([[4.0, 3.0, 37.0, 97.0], [4.0, 6.0, 45.0, 96.0]]),
        {"dtype": float64},
        differentiable=False,
    ),
    Sample(
        "StatelessMultinomial",
        (np.float32([[0.0, 1.0, 2.0], [3.0, -np.inf, 1.0]]), np.int32(6), np.int64([1, -2])),
        np.int64([[2, 2, 2, 2, 0, 1], [0, 0, 2, 0, 2, 0]]),
        differentiable=False,
    ),
    Sample(
        "StatelessShuffle",
        (
            np.int32([[1, 2], [3, 4], [5, 6], [7, 8]]),
            np.uint64([6403228833514061428]),
            np.uint64([0, 1432497372691926344]),
            np.int32(1),
        ),
        np.int32([[5, 6], [3, 4], [1, 2], [7, 8]]),
        differentiable=False,
    ),
    Sample(
        "RandomIndexShuffle",
        (np.int64([0, 1, 2, 19]), np.int64([1, 2, 3]), np.int64(19)),
        np.int64([19, 15, 6, 2]),
        differentiable=False,
    ),
    Sample(
        "RandomIndexShuffle",
        (np.int64(70000), np.int64([1, 2, 3]), np.int64(70000)),
        np.int64(62839),
        {"rounds": 6},
        differentiable=False,
    ),
    Sample(
        "StatelessParameterizedTruncatedNormal",
        (
            np.int32([3, 2]),
            np.int64([1, -2]),
            np.float32([0.0, 5.0]),
            np.float32([1.0, 1.0]),
            np.float32([-1.0, 5.5]),
            np.float32([1.0, np.inf]),
        ),
        np.float32(
            [[0.49536085, 5.7378225], [-0.50962734, 6.7410507], [-0.23708177, 6.2779326]]
        ),
        differentiable=False,
        tolerance=1e-06,
    ),
    Sample(
        "RandomGammaGrad",
        (np.float64([0.5, 2.0]), np.float64([0.3, 1.5])),
        np.float64([1.0098019459488548, 0.9366390678772176]),
        differentiable=False,
        tolerance=1e-07,
    ),
]
