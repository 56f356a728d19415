namespace PmemFleet.DeviceDax.Tests;

public class BootTest
{
    [Fact]
    public void Runs() => Assert.NotNull(typeof(BootTest).Assembly);
}
