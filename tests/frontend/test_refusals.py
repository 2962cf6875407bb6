# SPDX-License-Identifier: Apache-2.0
"""What cannot be mapped is refused with one complete, true list; the wording is under test."""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from onnx import TensorProto, helper
from tailrace.cli.main import main
from tailrace.core.errors import ModelError
from tailrace.frontend import UnsupportedError


def weights(build: Builder, cols: int = 4, rows: int = 4) -> str:
    return build.quant(build.constant(build.rng.normal(0, 1, (cols, rows))), scale=0.25, bits=4)


def dense(build: Builder, x: str) -> str:
    return build.node("MatMul", x, weights(build))


def refusal(build: Builder, folder, *outputs: str, **options: object) -> ModelError:
    path = folder / "net.onnx"
    onnx.save(build.model(*outputs, **options), path)
    with pytest.raises(ModelError) as caught:
        tailrace.load(path)
    return caught.value


def listed(error: ModelError) -> list[tuple[str, str, str]]:
    assert isinstance(error, UnsupportedError), error
    return [(p.node, p.operation, p.found) for p in error.problems]


# Weights and activations


def test_float_weights_are_named_with_their_shape(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    build.initializers["fc.weight"] = np.random.default_rng(0).normal(0, 1, (3, 4)).astype(np.float32)
    error = refusal(build, tmp_path, build.node("Gemm", x, "fc.weight", transB=1))
    assert str(error) == (
        "net: 1 node cannot be mapped:\n"
        "  1. Gemm_1 (Gemm): its weights fc.weight (3 x 4) are floats without a quantizer\n"
        "    accepted: weights behind a quantizer, or integers of at most 16 bits\n"
        "    hint: train the layer with a weight quantizer (Brevitas QuantLinear, QKeras QDense) and export it as "
        "QONNX; or quantize the float network: tailrace quantize MODEL, or "
        "quantize_static(..., quant_format=QuantFormat.QDQ) of onnxruntime.quantization"
    )


def test_every_layer_of_a_float_network_is_listed_once(tmp_path):
    build = Builder()
    x = build.input([1, 4])
    for _ in range(3):
        x = build.node("Relu", build.node("MatMul", x, build.constant(build.rng.normal(0, 1, (4, 4)))))
    found = listed(refusal(build, tmp_path, x))
    assert [node for node, _, _ in found] == ["MatMul_0", "MatMul_2", "MatMul_4"]
    assert "is not quantized" not in found[0][2]
    assert found[1][2].endswith("are floats without a quantizer; its input t1 is not quantized")


def test_an_activation_without_a_quantizer_is_refused_with_its_maker(tmp_path):
    build = Builder()
    y = build.node("Sigmoid", dense(build, build.quant(build.input([1, 4]))))
    ((_, operation, found),) = listed(refusal(build, tmp_path, dense(build, y)))
    assert (operation, found) == ("MatMul", f"its input {y} (from Sigmoid Sigmoid_{y[1:]}) is not quantized")


def test_a_product_of_two_unquantized_activations_is_refused(tmp_path):
    build = Builder()
    x = build.node("MatMul", build.input([1, 4, 4]), build.constant(build.rng.normal(0, 1, (4, 4))))
    y = build.node("MatMul", x, build.node("Transpose", x, perm=[0, 2, 1]))
    error = refusal(build, tmp_path, y)
    assert listed(error)[-1][1:] == (
        "MatMul",
        "it multiplies two activations, [1, 4, 4] @ [1, 4, 4], which are not quantized",
    )
    assert error.problems[-1].accepted == (
        "two activations behind quantizers, of as many matrices each; or activations @ constant weights"
    )
    assert error.problems[-1].hint == "put a quantizer (Quant; Brevitas QuantIdentity) behind each of the two"


def test_a_product_of_one_activation_and_another_without_a_quantizer_names_that_one(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4, 4]))
    y = build.node("Sigmoid", dense(build, x))
    ((_, operation, found),) = listed(refusal(build, tmp_path, build.node("MatMul", x, y)))
    assert (operation, found) == ("MatMul", f"its input {y} (from Sigmoid Sigmoid_{y[1:]}) is not quantized")


def test_keys_of_fewer_heads_are_refused_with_the_way_out(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 2, 3, 4]))
    key = build.quant(build.node("ReduceMean", x, axes=[1]))
    y = build.node("MatMul", x, build.node("Transpose", key, perm=[0, 1, 3, 2]))
    error = refusal(build, tmp_path, build.quant(y))
    assert listed(error)[0][2] == "it multiplies [1, 2, 3, 4] and [1, 1, 4, 3]: one of both is repeated"
    assert error.problems[0].hint.startswith(
        "repeat the keys and values of fewer heads in front of it (Expand"
    )


def test_a_scale_that_differs_along_what_is_summed_is_refused(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 3, 4]))
    key = build.quant(dense(build, x), scale=np.array([0.1, 0.2, 0.3, 0.4]))
    error = refusal(build, tmp_path, build.node("MatMul", x, build.node("Transpose", key, perm=[0, 2, 1])))
    ((_, operation, found),) = listed(error)
    assert (operation, found) == (
        "MatMul",
        "the scale of one operand differs along the axis that is summed over",
    )
    assert "scaling_per_output_channel=False" in error.problems[0].hint


def test_a_stack_of_weight_matrices_is_refused(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 2, 4]))
    w = build.quant(build.constant(build.rng.normal(0, 1, (2, 4, 3))), bits=4)
    (found,) = listed(refusal(build, tmp_path, build.node("MatMul", x, w)))
    assert found[2] == "weights of shape [2, 4, 3]"


# Operations


def test_all_that_is_wrong_with_a_convolutional_network_is_listed(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 1, 4, 4]))
    kernel = build.quant(build.constant(build.rng.normal(0, 1, (2, 1, 3, 3))), bits=2)
    y = build.node("Conv", x, kernel, pads=[1, 1, 1, 1])
    y = build.quant(build.node("Relu", y), bits=2.5)
    y = build.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = build.node("Conv", y, build.constant(build.rng.normal(0, 1, (2, 2, 1, 1))))
    y = build.node("Flatten", y)
    y = build.quant(y, rounding="SIDEWAYS")
    y = build.node("MatMul", y, build.constant(build.rng.normal(0, 1, (8, 4))))
    found = [(operation, text) for _, operation, text in listed(refusal(build, tmp_path, y))]
    assert [operation for operation, _ in found] == ["Quant", "Conv", "Quant", "MatMul"]
    assert found[0][1] == "its bit width is 2.5"
    assert found[1][1].startswith("its weights c")
    assert found[1][1].endswith("are floats without a quantizer")
    assert found[2][1] == "its rounding mode is 'SIDEWAYS'"
    assert "floats without a quantizer" in found[3][1]


def test_a_logarithm_of_a_softmax_in_the_middle_is_named_itself(tmp_path):
    build = Builder()
    y = build.node("LogSoftmax", dense(build, build.quant(build.input([1, 4]))), axis=1)
    error = refusal(build, tmp_path, dense(build, build.quant(y)))
    ((node, operation, found),) = listed(error)
    assert (operation, found) == (
        "LogSoftmax",
        f"it stands in front of Quant_{int(node.split('_')[1]) + 1} (Quant), but only the host can do it",
    )
    assert (
        error.problems[0].accepted == "LogSoftmax of this form behind the last layer, where the host does it"
    )
    assert error.problems[0].hint == "leave it out, or end the network in front of it"


def test_an_unknown_operation_and_an_unknown_domain_are_listed(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    y = build.node("Fancy", dense(build, x))
    y = build.node("MVAU", y, domain="finn.custom_op.fpgadataflow")
    y = build.node("FusedGelu", y, domain="com.microsoft")
    error = refusal(build, tmp_path, y)
    found = listed(error)
    assert found[0][1:] == ("Fancy", "ONNX has no operation Fancy")
    assert found[1][1:] == (
        "finn.custom_op.fpgadataflow:MVAU",
        "the domain finn.custom_op.fpgadataflow is unknown",
    )
    assert (
        error.problems[1].hint
        == "this is a stage of FINN's hardware build: give the QONNX file that FINN was given"
    )
    assert error.problems[2].hint == "give the file as it was before ONNX Runtime optimized it"


def test_training_mode_and_random_numbers_are_refused(tmp_path):
    build = Builder(opset=14)
    x = build.quant(build.input([1, 4]))
    y = build.node("Dropout", dense(build, x), build.constant(0.5), build.constant(True, np.bool_))
    noise = build.node("RandomNormal", shape=[1, 4])
    found = listed(refusal(build, tmp_path, build.node("Add", y, noise)))
    assert {(operation, text) for _, operation, text in found} == {
        ("Dropout", "it is in training mode"),
        ("RandomNormal", "its result is random"),
    }


def test_a_function_that_goes_up_and_down_over_a_huge_range_is_refused(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]), bits=16, scale=2.0**-12)
    y = build.node(
        "MatMul", x, build.quant(build.constant(build.rng.normal(0, 1, (4, 4))), bits=16, scale=2.0**-13)
    )
    y = build.quant(build.node("Mul", y, build.node("Sigmoid", y)))
    ((_, operation, found),) = listed(refusal(build, tmp_path, y))
    assert operation == "Quant"
    assert found.startswith("the function in front of the quantizer is not monotone, and its input has ")


# Quantizers


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"scale": float("nan")}, "its scale is NaN"),
        ({"scale": 0.0}, "its scale is 0"),
        ({"scale": -0.5}, "its scale is -0.5"),
        ({"scale": [0.5, 0.5, float("inf"), 0.5]}, "its scale is inf"),
        ({"scale": 1e-20}, "its scale is 1e-20"),  # float32 loses the digits of what is multiplied with it
        ({"scale": 3.4e38}, "its scale is 3.4e+38"),
        ({"zero": float("nan")}, "its zero point is NaN"),
        ({"bits": 3.5}, "its bit width is 3.5"),
        ({"bits": 0}, "its bit width is 0"),
        ({"bits": 33}, "its bit width is 33"),
        ({"bits": [2, 3, 2, 3]}, "its bit width is an array of 4"),
        ({"rounding": "nearest"}, "its rounding mode is 'nearest'"),
        ({"scale": [[0.5], [0.25]]}, "its parameters turn a tensor of shape [1, 4] into one of shape [2, 4]"),
    ],
)
def test_parameters_that_make_no_integers_are_refused(change, found, tmp_path):
    build = Builder()
    y = build.quant(dense(build, build.quant(build.input([1, 4]))), **change)
    problems = listed(refusal(build, tmp_path, y))
    assert [(operation, text) for _, operation, text in problems] == [("Quant", found)]


def test_bad_parameters_of_weights_are_refused_too(tmp_path):
    build = Builder()
    w = build.quant(build.constant(np.eye(4)), scale=float("nan"))
    y = build.node("MatMul", build.quant(build.input([1, 4])), w)
    found = listed(refusal(build, tmp_path, y))
    assert found[0][1:] == ("Quant", "its scale is NaN")


def test_parameters_that_depend_on_the_input_are_refused(tmp_path):
    build = Builder()
    x = build.input([1, 4])
    scale = build.node("ReduceMax", build.node("Abs", x), keepdims=1)
    y = build.node(
        "Quant", x, scale, build.constant(0), build.constant(4), signed=1, narrow=0, rounding_mode="ROUND"
    )
    found = listed(refusal(build, tmp_path, dense(build, y)))
    assert [(operation, text) for _, operation, text in found] == [
        ("Quant", f"its scale {scale} depends on the network's input")
    ]


def test_float_quantizers_are_refused_on_activations_and_weights(tmp_path):
    build = Builder()

    def float_quant(x: str) -> str:
        parts = [build.constant(v) for v in (1.0, 4, 3, 7, 448.0)]
        return build.node(
            "FloatQuant",
            x,
            *parts,
            has_inf=0,
            has_nan=0,
            has_subnormal=1,
            saturation=1,
            rounding_mode="ROUND",
        )

    y = build.node("MatMul", float_quant(build.input([1, 4])), float_quant(build.constant(np.eye(4))))
    found = listed(refusal(build, tmp_path, y))
    assert [(operation, text) for _, operation, text in found] == [
        ("FloatQuant", "FloatQuant is not supported")
    ] * 2


def test_a_quantizer_with_operands_missing_is_refused(tmp_path):
    build = Builder()
    x = build.node(
        "Quant", build.input([1, 4]), build.constant(0.5), signed=1, narrow=0, rounding_mode="ROUND"
    )
    error = refusal(build, tmp_path, dense(build, x))
    assert listed(error)[0][2] == "it has 2 inputs"
    assert error.problems[0].accepted == "4 inputs (input, scale, zero point, bit width)"


def test_a_quantizer_with_operands_too_many_is_refused(tmp_path):
    build = Builder()
    more = [build.constant(value) for value in (0.5, 0.0, 4.0, 4.0)]
    x = build.node("Quant", build.input([1, 4]), *more, signed=1, narrow=0, rounding_mode="ROUND")
    error = refusal(build, tmp_path, dense(build, x))
    assert listed(error)[0][2] == "it has 5 inputs"


def test_a_quantizer_of_what_is_no_number_is_refused(tmp_path):
    build = Builder()
    y = dense(build, build.quant(build.input([1, 4])))
    y = build.quant(build.node("Div", y, y))  # 0 / 0 for the integer 0
    assert listed(refusal(build, tmp_path, y))[-1][1:] == (
        "Quant",
        "its output is nan for inputs that can occur",
    )


def test_a_window_without_a_stride_is_refused(tmp_path):
    build = Builder()
    weights = build.quant(build.constant(build.rng.normal(0, 1, (3, 2, 2, 2))))
    y = build.node("Conv", build.quant(build.input([1, 2, 6, 6])), weights, strides=[0, 1])
    ((_, operation, found),) = listed(refusal(build, tmp_path, y))
    assert (operation, "strides must only contain positive values" in found) == ("Conv", True)


# The ends and the file


def test_an_input_on_which_no_output_depends_is_refused(tmp_path):
    build = Builder()
    a, b = build.quant(build.input([1, 4])), build.input([1, 2])
    error = refusal(build, tmp_path, build.quant(dense(build, a)))
    assert str(error).startswith(f"net: no output depends on the input {b}")


def test_a_dynamic_feature_axis_is_refused(tmp_path):
    build = Builder()
    error = refusal(build, tmp_path, build.quant(build.input(["batch", "features"])))
    assert str(error) == (
        f"{tmp_path / 'net.onnx'}: the input x has the dynamic shape [batch, features]\n"
        "  hint: export the network with a fixed input shape; only the batch axis may be dynamic"
    )


def test_a_fixed_batch_is_refused(tmp_path):
    build = Builder()
    (found,) = listed(refusal(build, tmp_path, dense(build, build.quant(build.input([8, 4])))))
    assert found == ("x", "input", "its shape is [8, 4], which has no batch axis of 1")


@pytest.mark.parametrize("kind", ["FIXED<16,-5000>", "FIXED<16,99999>", "FIXED<32,-1000000>"])
def test_an_annotation_that_no_float_holds_is_refused(kind, tmp_path):
    build = Builder()
    error = refusal(build, tmp_path, dense(build, build.input([1, 4], annotation=kind)))
    assert error.message == f"the input is annotated as {kind}, and a float32 holds no such numbers"


@pytest.mark.parametrize("zero", [1e30, 2.0**63, -1e10])
def test_a_zero_point_beyond_all_integers_is_refused(zero, tmp_path):
    build = Builder()
    y = build.quant(dense(build, build.quant(build.input([1, 4]))), zero=zero)
    ((_, _, found),) = listed(refusal(build, tmp_path, y))
    assert found == f"its zero point is {np.float32(zero):g}"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda node: node.output.__setitem__(0, ""), "it has no output, or one without a name"),
        (lambda node: node.ClearField("output"), "it has no output, or one without a name"),
        (
            lambda node: node.output.__setitem__(0, "x"),
            "it writes x, which is the network's input or a weight already",
        ),
        (lambda node: node.output.append("t0"), "it writes t0, which is the output of Quant_0 already"),
        (lambda node: node.input.pop(), "it has 1 input"),
    ],
)
def test_a_node_whose_ends_are_not_in_order_is_refused(change, found):
    build = Builder()
    y = build.quant(dense(build, build.quant(build.input([1, 4]))))
    model = build.model(y)
    (product,) = (node for node in model.graph.node if node.op_type == "MatMul")
    change(product)
    with pytest.raises(UnsupportedError) as caught:
        tailrace.load(model)
    assert found in {problem.found for problem in caught.value.problems}


def test_a_network_without_an_output_is_refused():
    build = Builder()
    model = build.model(dense(build, build.quant(build.input([1, 4]))))
    del model.graph.output[:]
    with pytest.raises(ModelError, match="the network has no output"):
        tailrace.load(model)


def test_a_name_that_is_no_text_is_shown(tmp_path):
    build = Builder()
    content = build.model(dense(build, build.quant(build.input([1, 4])))).SerializeToString()
    (tmp_path / "net.onnx").write_bytes(content.replace(b"MatMul_2", b"Mat\xff\xfel_2"))
    with pytest.raises(ModelError) as caught:
        tailrace.load(tmp_path / "net.onnx")
    assert caught.value.message == r"a name in the file is no text: b'Mat\xff\xfel_2' as name of NodeProto"


def test_an_element_type_that_does_not_exist_is_named(tmp_path):
    build = Builder()
    model = build.model(dense(build, build.quant(build.input([1, 4]))))
    model.graph.input[0].type.tensor_type.elem_type = 99
    with pytest.raises(ModelError, match="the input x holds the unknown type 99"):
        tailrace.load(model)


def test_a_slice_that_leaves_nothing_and_an_empty_weight_are_refused(tmp_path):
    build = Builder()
    x = dense(build, build.quant(build.input([1, 4])))
    y = build.node("Slice", x, *(build.constant(v, np.int64) for v in ([3], [3], [1])))
    ((_, operation, found),) = listed(refusal(build, tmp_path, y))
    assert (operation, found) == ("Slice", "it makes a tensor of shape [1, 0], which has no elements")
    build = Builder()
    y = build.node("MatMul", build.quant(build.input([1, 4])), build.constant(np.zeros((4, 0))))
    ((_, operation, found),) = listed(refusal(build, tmp_path, y))
    assert (operation, found) == ("MatMul", "it makes a tensor of shape [1, 0], which has no elements")


def test_a_network_of_strings_is_refused(tmp_path):
    build = Builder()
    error = refusal(build, tmp_path, build.node("Identity", build.input([1, 4], TensorProto.STRING)))
    assert error.message == "the input x holds STRING"


def test_an_output_that_does_not_depend_on_the_input_is_refused(tmp_path):
    build = Builder()
    build.quant(build.input([1, 4]))
    error = refusal(build, tmp_path, build.node("Identity", build.constant(np.ones((1, 4)))))
    assert error.message == f"the output {build.nodes[-1].output[0]} does not depend on the input"


def test_a_tensor_that_nothing_writes_is_named(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    found = listed(refusal(build, tmp_path, build.node("Add", dense(build, x), "ghost")))
    assert found[0][2] == "it reads ghost, which nothing writes"


def test_a_loop_is_refused(tmp_path):
    build = Builder()
    x = build.quant(build.input([1, 4]))
    build.nodes.append(helper.make_node("Add", [x, "loop"], ["loop"], name="feedback"))
    found = listed(refusal(build, tmp_path, dense(build, "loop")))
    assert ("feedback", "Add", "its input depends on its own output loop") in found


def test_nodes_may_come_in_any_order(tmp_path):
    build = Builder()
    y = dense(build, build.quant(build.input([1, 4])))
    build.nodes.reverse()
    onnx.save(build.model(y), tmp_path / "net.onnx")
    assert tailrace.load(tmp_path / "net.onnx").predict(np.zeros((1, 4), np.float32)).shape == (1, 4)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "this is not a whole ONNX file: its graph has no nodes"),
        (b"\x0a" * 50, "this is not a whole ONNX file ("),
        (bytes(100), "this is not a whole ONNX file ("),
    ],
)
def test_a_damaged_file_is_refused(content, found, tmp_path, capsys):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    assert main(["check", str(path)]) == 1
    text = capsys.readouterr().err
    assert found in text
    assert "hint: export it again, or copy it again: it may be truncated" in text


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    build = Builder()
    content = build.model(dense(build, build.quant(build.input([1, 4])))).SerializeToString()
    path = tmp_path / "net.onnx"
    for length in range(0, len(content) - 40, 37):
        path.write_bytes(content[:length])
        with pytest.raises(ModelError):
            tailrace.load(path)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(
        ModelError, match=r"none\.onnx: there is no such file\n  hint: give the path of an ONNX file"
    ):
        tailrace.load(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="this is a folder"):
        tailrace.load(tmp_path)


def test_external_data_that_is_missing_is_named(tmp_path):
    build = Builder()
    build.initializers["fc.weight"] = np.ones((4, 400), np.float32)
    y = build.node("MatMul", build.quant(build.input([1, 4])), "fc.weight")
    onnx.save(
        build.model(y),
        tmp_path / "net.onnx",
        save_as_external_data=True,
        location="net.data",
        size_threshold=64,
    )
    assert tailrace.load(tmp_path / "net.onnx").tensors
    (tmp_path / "net.data").unlink()
    with pytest.raises(ModelError) as caught:
        tailrace.load(tmp_path / "net.onnx")
    assert caught.value.message == "the weights fc.weight are in net.data, which cannot be read"
    assert caught.value.hint == "copy that file beside the network, or export the network as one file"


# The public networks

UNSUPPORTED = {
    "deeploy_attention": 14,
    "deeploy_inonorm": 1,
    "deeploy_rmsnorm": 1,
    "deeploy_softmax": 1,
    "finn_cybsec_PE_SIMD": 4,
    "finn_residual_testcase": 6,
    "hls4ml_float_conv1d_small": 5,
    "hls4ml_float_three_layer_bn": 5,
    "lstm_weight_only_8b": 1,
    "mlperf_float_ad": 6,
    "mlperf_float_kws_dscnn": 10,
    "qonnx_float_mnist_conv": 3,
    "qonnx_float_residual_block": 1,
    "qonnx_floatquant_fp8": 2,
    "qonnx_test_sdp": 1,
}
"""How many nodes of each public network are refused; more of them may be mapped one day."""


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_public_network_is_refused_with_one_complete_list(name, shared_models, capsys):
    assert main(["check", str(shared_models / f"{name}.onnx")]) == 1
    text = capsys.readouterr().err
    count = UNSUPPORTED[name]
    assert f"{name}: {count} {'node' if count == 1 else 'nodes'} cannot be mapped:\n  1. " in text
    nodes = re.findall(r"^  \d+\. (.*?) \(", text, re.MULTILINE)
    assert len(nodes) == len(set(nodes)) == count
    assert text.count("\n    accepted: ") == text.count("\n    hint: ") == count


@pytest.mark.parametrize(
    ("name", "node", "found", "hint"),
    [
        (
            "lstm_weight_only_8b",
            "/0/layers.0.0/export_handler/LSTM",
            "its gates and its states are floats: nothing quantizes them between the steps",
            "quantize gates and states in training, export one step as a network, name its states: --state h=h_next",
        ),
        (
            "deeploy_softmax",
            "iSoftmax_0",
            "ONNX has no operation iSoftmax",
            (
                "this is an operation of Deeploy's own: pip install ./examples/deeploy reads some of them; or give the "
                "network as it was before QuantLib or Deeploy made "
                "integers of it, with its quantizers as QONNX or QCDQ"
            ),
        ),
    ],
)
def test_the_reason_and_the_way_out_of_a_public_network(name, node, found, hint, shared_models):
    with pytest.raises(UnsupportedError) as caught:
        tailrace.load(shared_models / f"{name}.onnx")
    problems = {problem.node: problem for problem in caught.value.problems}
    assert (problems[node].found, problems[node].hint) == (found, hint)


def test_the_list_covers_every_public_network(shared_models):
    mapped = {"TFC_1W1A", "TFC_2W2A", "cern_qmlp57", "finn_tfc_w1a1_finnonnx", "finnlab_tfc_w2a2_finnonnx"}
    mapped |= {"hls4ml_bnn_fc_1layer", "qkeras_jettagging", "unsw_nb15-mlp-w2a2"}
    mapped |= {
        "CNV_light_CIFAR10_W1A1",
        "CNV_light_GTSRB_W1A1",
        "CNV_light_GTSRB_W2A2",
        "CNV_light_GTSRB_W8A4",
    }
    mapped |= {"gtsrb_12x12_w2a3", "radioml_cnn1d_2class", "espcn_subpixel_quant", "qonnx_eltwise_chanlast"}
    mapped |= {
        "hls4ml_branched_chlast",
        "lenet_w8a8_finnonnx_old",
        "nn2fpga_resnet8",
        "deepquant_transformer",
        "lstm_cell_qonnx",
        "lstm_gate_tanh_qcdq",
        "lstm_scan_qcdq",
        "brevitas_quantlstm_qcdq",
    }
    assert {path.stem for path in shared_models.glob("*.onnx")} == mapped | set(UNSUPPORTED)
