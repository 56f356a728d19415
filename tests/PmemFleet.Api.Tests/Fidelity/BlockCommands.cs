using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Api.Tests.Support;
using PmemFleet.Nvdimm.Primitives;

namespace PmemFleet.Api.Tests.Fidelity;

/// <summary>
/// The recorder's own programs on block devices, through the namespaces' data. <c>pat w</c> writes a pattern that its seed chooses.
/// <c>pat r</c> prints a digest of what it reads. <c>pat x</c> flips bits of one byte. <c>ib</c> edits fields of an info block and corrects its
/// checksum. The recorder's patterns are not known here, so digests are compared with each other: two reads that printed the same digest on Linux
/// have to read the same bytes here, and two that printed different ones have to read different bytes.
/// </summary>
internal sealed class BlockCommands(RecordedMachine machine)
{
    private const int InfoBlock = 4096;
    private const int Sector = 4096;
    private const string ThroughMapping = "bytes through a mapping of device-dax: the engine maps, and has no bytes of its own";
    private readonly Dictionary<string, string> _ours = [];
    private readonly Dictionary<string, string> _theirs = [];

    /// <summary>Null: not one of these programs.</summary>
    public async Task<StepResult?> RunAsync(JsonNode golden, string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words switch
        {
            ["pat", _, var device, ..] when device.StartsWith("/dev/dax", StringComparison.Ordinal) => StepResult.Without(ThroughMapping),
            ["pat", "r", var device, var offset, var length] => await ReadAsync(golden, device, offset, length),
            ["pat", "w", var device, var offset, var length, var seed] => await WriteAsync(golden, device, offset, length, seed),
            ["pat", "x", var device, var offset, var mask] => await FlipAsync(golden, device, offset, mask),
            ["ib", var device, "nosum", .. var edits] => await EditAsync(golden, device, edits, checksum: false),
            ["ib", var device, .. var edits] => await EditAsync(golden, device, edits, checksum: true),
            _ => null,
        };
    }

    private async Task<StepResult> ReadAsync(JsonNode golden, string device, string offset, string length)
    {
        var expected = golden["stdout"]?.ToString() ?? "";
        if (await NamespaceAsync(device) is not { } name)
        {
            return StepResult.Compare(expected, "open ENOENT");
        }

        using var answer = await machine.ReadAsync($"/namespaces/{name}/data?offset={offset}&length={length}");
        if (!answer.IsSuccessStatusCode)
        {
            var errno = (await answer.ReadProblemAsync()).Errno;
            return StepResult.Compare((int)golden["rc"]! == 0 ? expected : expected.Split(' ')[^1], errno);
        }

        if ((int)golden["rc"]! != 0)
        {
            return StepResult.Differs($"expected {expected}\nbut the read succeeded");
        }

        var bytes = await answer.Content.ReadAsByteArrayAsync();
        var ours = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
        if (expected.EndsWith(" 0000000000000000", StringComparison.Ordinal) != bytes.AsSpan(0, 8).IndexOfAnyExcept((byte)0) < 0)
        {
            return StepResult.Differs($"expected {expected}\nbut was {Convert.ToHexStringLower(bytes.AsSpan(0, 8))}");
        }

        var (theirs, known) = ($"{expected}/{length}", $"{ours}/{length}");
        _theirs.TryAdd(theirs, known);
        _ours.TryAdd(known, theirs);
        return _theirs[theirs] == known && _ours[known] == theirs
            ? StepResult.Agrees
            : StepResult.Differs($"the bytes of {device} at {offset}: Linux read {expected}, ours are those that stood for {_ours[known]}");
    }

    private async Task<StepResult> WriteAsync(JsonNode golden, string device, string offset, string length, string seed)
    {
        var expected = golden["stdout"]?.ToString() ?? "";
        if (await NamespaceAsync(device) is not { } name)
        {
            return StepResult.Compare(expected, "open ENOENT");
        }

        var bytes = new byte[int.Parse(length, CultureInfo.InvariantCulture)];
        new Random(int.Parse(seed, CultureInfo.InvariantCulture)).NextBytes(bytes);
        using var answer = await machine.WriteAsync($"/namespaces/{name}/data?offset={offset}", bytes);
        return answer.IsSuccessStatusCode
            ? StepResult.Compare(expected, "ok")
            : StepResult.Compare(expected == "ok" ? expected : expected.Split(' ')[^1], (await answer.ReadProblemAsync()).Errno);
    }

    private async Task<StepResult> EditAsync(JsonNode golden, string device, string[] edits, bool checksum)
    {
        if (await NamespaceAsync(device) is not { } name)
        {
            return (int)golden["rc"]! != 0 ? StepResult.Agrees : StepResult.Differs($"{device} is not there");
        }

        var path = $"/namespaces/{name}/data?offset={InfoBlock}";
        var block = await machine.BytesAsync($"{path}&length={InfoBlock}");
        foreach (var edit in edits)
        {
            Apply(block, edit.Split(':'));
        }

        if (checksum)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(InfoBlock - 8), 0);
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(InfoBlock - 8), Fletcher64.Compute(block));
        }

        using var answer = await machine.WriteAsync(path, block);
        return answer.IsSuccessStatusCode ? StepResult.Agrees : StepResult.Differs(await answer.Content.ReadAsStringAsync());
    }

    /// <summary><c>pat x</c>: one byte, exclusive or.</summary>
    private async Task<StepResult> FlipAsync(JsonNode golden, string device, string offset, string mask)
    {
        if (await NamespaceAsync(device) is not { } name)
        {
            return StepResult.Compare(golden["stdout"]?.ToString() ?? "", "open ENOENT");
        }

        var at = long.Parse(offset, CultureInfo.InvariantCulture);
        var path = $"/namespaces/{name}/data?offset={at / Sector * Sector}";
        var bytes = await machine.BytesAsync($"{path}&length={Sector}");
        bytes[at % Sector] ^= (byte)Number(mask);
        using var answer = await machine.WriteAsync(path, bytes);
        var said = answer.IsSuccessStatusCode ? "ok" : await answer.Content.ReadAsStringAsync();
        return StepResult.Compare(golden["stdout"]?.ToString() ?? "", said);
    }

    /// <summary><c>offset:bytes:value</c>. <c>x</c> is exclusive or; <c>+</c> and <c>-</c> count from the field's value.</summary>
    private static void Apply(byte[] block, string[] edit)
    {
        var size = int.Parse(edit[1], CultureInfo.InvariantCulture);
        var field = block.AsSpan(int.Parse(edit[0], CultureInfo.InvariantCulture), size);
        var text = edit[2];
        ulong was = 0;
        for (var i = size - 1; i >= 0; i--)
        {
            was = (was << 8) | field[i];
        }

        var value = text[0] switch
        {
            'x' => was ^ Number("0x" + text[1..]),
            '+' => was + Number(text[1..]),
            '-' => was - Number(text[1..]),
            _ => Number(text),
        };
        for (var i = 0; i < size; i++)
        {
            field[i] = (byte)(value >> (8 * i));
        }
    }

    private static ulong Number(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? ulong.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : ulong.Parse(text, CultureInfo.InvariantCulture);

    private async Task<string?> NamespaceAsync(string device) => (await machine.ListAsync("/namespaces"))
        .Where(one => "/dev/" + (string?)one!["blockDevice"] == device).Select(one => (string)one!["name"]!).SingleOrDefault();
}
