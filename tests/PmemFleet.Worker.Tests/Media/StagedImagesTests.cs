using PmemFleet.Contracts.Sync;
using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Tests.Media;

/// <summary>Taking an image, cut short at each of its steps.</summary>
public sealed class StagedImagesTests : IDisposable
{
    private static readonly Guid Image = Guid.Parse("01a20000-0000-7000-8000-0000000000ee");

    private static readonly DimmLayout Layout = new()
    {
        DimmId = Guid.Parse("01a20000-0000-7000-8000-000000000101"),
        Name = "nmem0",
        Capacity = 1 << 20,
        ClearErrorUnit = 256,
    };

    private readonly MediaFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TryTake_CutAfterTheNote_TakesItTheNextTime()
    {
        Stage(1);
        DurableFile.Replace(Path.Combine(_folder.Path, $"{Layout.DimmId:N}.taken"), Image.ToByteArray());

        using var dimm = Open(2);
        Assert.Equal(0, First(dimm));
        Assert.True(Images(dimm).TryTake(dimm, Image));

        Assert.Equal(9, First(dimm));
    }

    [Fact]
    public void TryTake_CutAfterTheRename_IsTaken()
    {
        Stage(1);
        DurableFile.Replace(Path.Combine(_folder.Path, $"{Layout.DimmId:N}.taken"), Image.ToByteArray());
        File.Move(Directory.EnumerateFiles(_folder.Path, "*.staged").Single(), Path.Combine(_folder.Path, $"{Layout.DimmId:N}.dimm.image"));

        using var dimm = Open(2);
        dimm.Write(0, [3]);
        Assert.True(Images(dimm).TryTake(dimm, Image));

        Assert.Equal(3, First(dimm));
    }

    [Fact]
    public void TryTake_UnderAFormerEpoch_IsFencedAndLeavesTheImageToTheNext()
    {
        Stage(1);
        using var former = Open(1);
        using var next = Open(2);

        Assert.Throws<FencedException>(() => Images(former).TryTake(former, Image));
        Assert.Equal(0, First(next));
        Assert.True(Images(next).TryTake(next, Image));

        Assert.Equal(9, First(next));
    }

    private static byte First(DimmMedia dimm)
    {
        var first = new byte[1];
        dimm.Read(0, first);
        return first[0];
    }

    private void Stage(long epoch)
    {
        using var dimm = Open(epoch);
        var bytes = new byte[Layout.Capacity];
        bytes[0] = 9;
        var images = Images(dimm);
        File.WriteAllBytes(images.UploadPath(Image), bytes);
        images.Stage(Image);
    }

    private StagedImages Images(DimmMedia dimm) => new(_folder.Path, Layout.DimmId, dimm.Fence);

    private DimmMedia Open(long epoch) =>
        DimmMedia.Open(_folder.Path, Guid.Empty, Layout, MediaFence.TryRaise(Path.Combine(_folder.Path, "epoch"), epoch)!);
}
